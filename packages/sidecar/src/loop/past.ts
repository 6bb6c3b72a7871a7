import { closedRevision, type LedgerEvent, thawPlan } from '@unwind/contracts'
import { type BeginningEvent, isFromBefore, wasTried } from '@unwind/core'
import type { Followed } from '@unwind/runtime'
import type { Entry } from './entries.js'

/** What of a rollback's past is folded before the event that begins it here. */
export type PastStep = { readonly kind: 'take'; readonly past: Followed } | { readonly kind: 'reopen' }

/** The past of a rollback, read back, as it is to be folded: without ends that a later revision opens again. */
export function* foldPast(history: readonly Followed[], begins: Followed): Generator<PastStep> {
  let asked = 0
  let ended = 0
  for (const past of history) {
    const { event } = past
    if (event.type === 'RollbackRequested') asked = Math.max(asked, event.data.revision)
    if (opensAgain(begins, past)) {
      const revision = closedRevision(event.data.eventId)
      // The late end of an earlier revision ends nothing.
      if (revision < asked) continue
      ended = revision
      yield { kind: 'reopen' }
      continue
    }
    // What was still under way at the end is said behind it, and no fold of the ledger takes it (I8).
    if (ended > 0 && asked <= ended && event.type !== 'LateActionDetected') continue
    yield { kind: 'take', past }
  }
}

/** A revision may have been made before its maker knew how the last one ended: the end leaves nothing behind that it could be folded onto. */
function opensAgain({ event }: Followed, { event: past }: Followed): boolean {
  if (event.type !== 'RollbackRequested' || past.type !== 'RollbackClosed') return false
  return event.data.revision > closedRevision(past.data.eventId)
}

/** A command that is older than what the entry began with may be a copy, or the word of somebody whose sender hung: its past tells (I5). */
export function isOlder(event: LedgerEvent, { state: { rollback } }: Entry): boolean {
  return (
    event.type === 'OperatorCommandIssued' &&
    rollback.phase === 'running' &&
    isFromBefore(rollback, event.data)
  )
}

/** A step of ours was tried before: only the past tells when, and how long ago its target was first asked (I2). */
export function wasTriedHere({ data }: BeginningEvent, system: string): boolean {
  const tried = new Set(data.steps.filter(wasTried).map(step => step.stepId))
  if (tried.size === 0) return false
  try {
    return thawPlan(data, data).steps.some(step => step.system === system && tried.has(step.stepId))
  } catch {
    // Whoever folds it says what is wrong with the plan.
    return false
  }
}
