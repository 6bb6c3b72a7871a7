import {
  type ContractLookup,
  nextDeadline,
  type StallFacts,
  type StallOptions,
  type StallView,
  stalls,
} from '@unwind/core'
import type { FoundRollback } from './ledger-reading.js'

export interface StallsOptions {
  readonly contracts: () => ContractLookup
  readonly stall: StallOptions
  factsOf(
    systems: readonly string[],
    from: { readonly partition: number; readonly offset: bigint },
  ): Promise<StallFacts>
  /** Epoch ms. */
  now(): number
}

/** What of a rollback makes no progress now, with what is known of the processes behind it. Asks the brokers only when something is overdue. */
export async function stallsOf(found: FoundRollback, options: StallsOptions): Promise<readonly StallView[]> {
  const { rollback } = found.coordination
  const { contracts, stall, now } = options
  if (rollback.phase === 'closed' || rollback.phase === 'denied') return []
  if (rollback.phase === 'proposed' && rollback.refused) return []
  const next = nextDeadline(rollback, stall, 0)
  if (next === null || next > now()) return []
  const systems = 'plan' in rollback ? [...new Set(rollback.plan.steps.map(step => step.system))] : []
  const facts = await options.factsOf(systems, beginOf(found))
  return stalls(rollback, facts, contracts(), stall).map(one => ({
    ...one,
    evidence: (one.system === null ? undefined : facts.systems.get(one.system)) ?? null,
  }))
}

/** Where the latest request stands: who has read beyond it has read what it is to do. */
function beginOf({ events }: FoundRollback): { partition: number; offset: bigint } {
  const requested = events.findLast(({ event }) => event.type === 'RollbackRequested') ?? events[0]
  return { partition: requested?.position.partition ?? 0, offset: requested?.position.offset ?? 0n }
}
