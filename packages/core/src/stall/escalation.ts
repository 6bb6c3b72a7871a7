import { type EscalationRaised, eventIds } from '@unwind/contracts'
import type { RollbackState, Running } from '../unwind/state.js'
import type { Stall } from './stall.js'

/** @property reopenedBy absent: what it is about knows no ends. */
type About = Pick<RollbackState, 'rollbackId' | 'correlationId'> & Pick<Partial<Running>, 'reopenedBy'>

/**
 * A stall as an alarm. The ID follows from what stalls, not from who noticed it when, so two watchers raise one alarm.
 * @param now epoch ms.
 */
export function toEscalation(
  state: About,
  stall: Stall,
  emitter: string,
  now: number,
  causationId: string | null = null,
): EscalationRaised {
  const { kind, subject, round } = stall
  const eventId = eventIds.escalation(state.rollbackId, kind, subject, round, state.reopenedBy)
  return {
    eventId,
    correlationId: state.correlationId,
    rollbackId: state.rollbackId,
    occurredAt: now,
    emitter,
    causationId,
    escalationId: eventId,
    kind,
    severity: stall.severity,
    stepId: stall.stepId,
    system: stall.system,
    owner: stall.owner,
    message: stall.message,
    hint: stall.hint,
    dueAt: stall.dueAt,
  }
}
