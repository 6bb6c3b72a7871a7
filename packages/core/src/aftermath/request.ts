import { type EventOf, eventIds } from '@unwind/contracts'
import type { Closed } from '../unwind/state.js'

export interface ReconciliationAsk {
  /** The same name is the same request: "after-3600s", or the ID that a caller gave. */
  readonly name: string
  /** A person, or "schedule:<name>". */
  readonly requestedBy: string
  readonly reason: string
}

/**
 * Asks every system of the plan to read back again. Carries the plan, because nobody holds what has ended.
 * @param now epoch ms.
 */
export function reconciliationRequest(
  emitter: string,
  rollback: Closed,
  { name, requestedBy, reason }: ReconciliationAsk,
  now: number,
): EventOf<'ReconciliationRequested'> {
  const { rollbackId, correlationId, plan, planText, planHash, closing } = rollback
  const { revision } = plan
  const data = {
    eventId: eventIds.reconcile(rollbackId, revision, name),
    correlationId,
    rollbackId,
    occurredAt: now,
    emitter,
    causationId: closing.eventId,
    requestedBy,
    reason,
    revision,
    plan: planText,
    planHash,
  }
  return { type: 'ReconciliationRequested', data }
}
