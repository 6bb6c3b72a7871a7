import type { RollbackSummary } from '@unwind/core'
import type { EffectCounts } from '../stage/effects.js'
import type { LedgerRecord } from '../stage/ledger-watch.js'
import type { Stage } from '../stage/stage.js'
import { eventText } from '../text/event-text.js'
import { endStateTone } from '../text/screen.js'

/** One rollback as it came out: what the ledger says, and what the targets say. */
export interface Outcome {
  readonly orderNo: string
  /** What was special about it, in a few words. */
  readonly story: string
  readonly summary: RollbackSummary
  readonly effects: EffectCounts
  /** It came out as it should. */
  readonly ok: boolean
}

/**
 * Shows what happens to a rollback while it happens.
 * @param from what is there already is shown too, or only what comes.
 * @returns how to end it.
 */
export function showEvents({ ledger, screen }: Stage, rollbackId: string, from: 'start' | 'now'): () => void {
  let since = ledger.recordsOf(rollbackId)[0]?.event.data.occurredAt ?? null
  const show = ({ event }: LedgerRecord) => {
    since ??= event.data.occurredAt
    screen.say(eventText(event, since, screen.palette))
  }
  if (from === 'start') ledger.recordsOf(rollbackId).forEach(show)
  return ledger.follow(rollbackId, show)
}

/** The end of a rollback, with the effects counted in the targets; printed as one line. */
export async function endOf(
  stage: Stage,
  orderNo: string,
  rollbackId: string,
  story: string,
): Promise<Outcome> {
  const { ledger, screen, effects } = stage
  await ledger.untilClosed(rollbackId)
  const summary = ledger.summaryOf(rollbackId)
  const counted = await effects.of(orderNo)
  const ok = summary.endState === 'RESTORED_VERIFIED' && effectsFit(summary, counted)
  const state = screen.palette.tone(
    endStateTone(summary.endState),
    screen.palette.bold(summary.endState ?? 'open'),
  )
  const { loyalty, payments, orders, stock } = counted
  const inTargets = `loyalty ${loyalty}, payments ${payments}, orders ${orders}, stock ${stock}`
  screen.verdict(
    ok,
    `${state}  ${summary.restored} of ${summary.expected} items restored; effects: ${inTargets}`,
  )
  return { orderNo, story, summary, effects: counted, ok }
}

/** One effect for each step of the plan, none anywhere else (I2). */
export function effectsFit({ steps }: RollbackSummary, effects: EffectCounts): boolean {
  const planned = new Set(steps.map(step => step.system))
  return Object.entries(effects).every(([system, count]) => count === (planned.has(system) ? 1 : 0))
}

/** In the order of the tiers: loyalty · payments · orders · stock. */
export function effectsText({ orders, stock, payments, loyalty }: EffectCounts): string {
  return [loyalty, payments, orders, stock].join('·')
}
