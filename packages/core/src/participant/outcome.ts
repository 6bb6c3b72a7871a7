import { dispositionOf, eventIds, type LedgerEvent } from '@unwind/contracts'
import type { Running } from '../unwind/state.js'
import { backoff } from './backoff.js'
import { aboutStep, strictestRetry } from './due.js'
import type { Participant, ParticipantInput } from './participant.js'

/** The events that say how an attempt ended: proof, or a failure with what follows from it. */
export function reportAttempt(
  me: Participant,
  rollback: Running,
  { stepId, work, announced, result }: Extract<ParticipantInput, { kind: 'attempted' }>,
  now: number,
): readonly LedgerEvent[] {
  const step = rollback.steps.get(stepId)
  if (!step) return []
  const { causationId, ...rest } = aboutStep(me, rollback, step, now)
  const about = {
    ...rest,
    round: work.round,
    causationId: announced
      ? eventIds.started(rollback.rollbackId, stepId, work.round, work.attempt)
      : causationId,
    attempt: work.attempt,
  }
  if (result.kind === 'proved') {
    const { kind: _, ...proof } = result
    const eventId = eventIds.completed(rollback.rollbackId, stepId, work.round)
    return [{ type: 'CompensationCompleted', data: { ...about, ...proof, eventId } }]
  }
  const { code, message, hint, durationMs, differences } = result
  const policy = strictestRetry(me, step.step)
  const disposition = dispositionOf(code)
  const again = (disposition === 'retry' || disposition === 'probe-first') && work.attempt < policy.attempts
  const delay = Math.max(
    result.retryAfterMs ?? 0,
    backoff(policy, work.attempt, `${rollback.rollbackId}/${stepId}`),
  )
  const failed: LedgerEvent = {
    type: 'CompensationFailed',
    data: {
      ...about,
      eventId: eventIds.failed(rollback.rollbackId, stepId, work.round, work.attempt),
      code,
      message,
      hint,
      retryAt: again ? now + delay : null,
      durationMs,
    },
  }
  if (again) return [failed]
  const { attempt: __, ...parkedAbout } = about
  const eventId = eventIds.parked(rollback.rollbackId, stepId, work.round)
  const parked = { ...parkedAbout, eventId, causationId: failed.data.eventId }
  return [failed, { type: 'StepParked', data: { ...parked, code, message, hint, differences } }]
}
