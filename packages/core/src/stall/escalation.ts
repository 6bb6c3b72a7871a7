import { type EscalationRaised, eventIds } from '@unwind/contracts'
import type { RollbackState } from '../unwind/state.js'
import type { Stall } from './stall.js'

/**
 * A stall as an alarm. The ID follows from what stalls, not from who noticed it when, so two watchers raise one alarm.
 * @param now epoch ms.
 */
export function toEscalation(
  state: Pick<RollbackState, 'rollbackId' | 'correlationId'>,
  stall: Stall,
  emitter: string,
  now: number,
  causationId: string | null = null,
): EscalationRaised {
  const eventId = eventIds.escalation(state.rollbackId, stall.kind, stall.subject, stall.round)
  return {
    eventId,
    correlationId: state.correlationId,
    rollbackId: state.rollbackId,
    occurredAt: now,
    emitter,
    causationId,
    escalationId: eventId,
    kind: stall.kind,
    severity: stall.severity,
    stepId: stall.stepId,
    system: stall.system,
    owner: stall.owner,
    message: stall.message,
    hint: stall.hint,
    dueAt: stall.dueAt,
  }
}
