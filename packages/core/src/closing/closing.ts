import { eventIds, type RollbackClosed } from '@unwind/contracts'
import { selectionOf, selectionText } from '../planning/selection.js'
import { type EndState, isSettled, latestRevision, type Running, type StepState } from '../unwind/state.js'

/** How long a rollback without any step stays open for systems to find actions of their own, milliseconds. */
export const EMPTY_PLAN_GRACE_MS = 5_000

export type Closing =
  | { readonly kind: 'open' }
  /** Ask again at this moment, epoch ms. */
  | { readonly kind: 'later'; readonly at: number }
  | { readonly kind: 'close'; readonly event: RollbackClosed }

/**
 * The end of a rollback, from the ledger alone. Green needs a probe for every step and nothing left over (I3);
 * everything else gets the weakest word that is true.
 * @param now epoch ms.
 */
export function closing(state: Running, emitter: string, now: number): Closing {
  const steps = [...state.steps.values()]
  const unsettled = steps.filter(s => !isSettled(s.progress))
  if (state.aborted) {
    // What has begun is let finish: an abort stops the plan, it does not tear an effect in half.
    if (unsettled.some(s => s.progress.status === 'started')) return { kind: 'open' }
    return { kind: 'close', event: event(state, emitter, now, 'ABANDONED', remaining(state, steps)) }
  }
  if (unsettled.length > 0 || state.unplanned.size > 0) return { kind: 'open' }
  const graceEnds = state.requestedAt + EMPTY_PLAN_GRACE_MS
  if (steps.length === 0 && now < graceEnds) return { kind: 'later', at: graceEnds }
  return { kind: 'close', event: event(state, emitter, now, endState(state, steps), remaining(state, steps)) }
}

function endState(state: Running, steps: readonly StepState[]): EndState {
  if (state.plan.surfaced.length > 0) return 'DISCREPANCY_SURFACED'
  if (state.plan.left || steps.some(s => s.progress.status === 'skipped' || isShort(s))) return 'PARTIAL'
  if (steps.length === 0 || steps.some(s => s.progress.status === 'resolved')) return 'RESTORED_UNVERIFIED'
  return 'RESTORED_VERIFIED'
}

/** Verified, but with items that a named actor or policy left as they are. */
function isShort({ progress }: StepState): boolean {
  return progress.status === 'verified' && progress.restored < progress.expected
}

function remaining(state: Running, steps: readonly StepState[]): string[] {
  const lines = state.plan.surfaced.map(
    s => `${s.system}: ${s.action} (${s.actionId}) is ${s.code}: ${s.message}`,
  )
  if (steps.length === 0 && lines.length === 0)
    lines.push('no system holds a recorded action under this correlation ID')
  // A part that was restored is said to be a part, also when all of it is proven.
  const part = selectionText(selectionOf(state.plan))
  if (part !== null) lines.push(`partial rollback, only ${part}; everything else was left as it is`)
  for (const item of state.plan.left ?? [])
    lines.push(`${item.system}: ${item.action} (${item.actionId}) stays, though ${item.because}`)
  for (const s of steps) {
    const { progress } = s
    const at = `${s.step.system} (step ${s.step.stepId})`
    if (progress.status === 'skipped') lines.push(`${at}: skipped by ${progress.actor}: ${progress.reason}`)
    else if (progress.status === 'resolved')
      lines.push(`${at}: done by hand by ${progress.actor}, no probe saw it: ${progress.reason}`)
    else if (isShort(s) && progress.status === 'verified')
      lines.push(
        `${at}: ${progress.restored} of ${progress.expected} items restored; ${progress.notes.join('; ') || 'newer data was kept'}`,
      )
    else if (!isSettled(progress)) lines.push(`${at}: ${progress.status} when the rollback was abandoned`)
  }
  return lines
}

function event(
  state: Running,
  emitter: string,
  now: number,
  endState: EndState,
  left: string[],
): RollbackClosed {
  const verified = [...state.steps.values()].map(s => s.progress).filter(p => p.status === 'verified')
  const missing = [...state.steps.values()]
    .filter(s => s.progress.status !== 'verified')
    .map(s => s.step.actions.length)
  return {
    eventId: eventIds.closed(state.rollbackId, latestRevision(state)),
    correlationId: state.correlationId,
    rollbackId: state.rollbackId,
    occurredAt: now,
    emitter,
    causationId: lastOutcome(state),
    endState,
    restored: verified.reduce((sum, p) => sum + p.restored, 0),
    // A step without a probe counts with its actions: what was not seen is not restored.
    expected: verified.reduce((sum, p) => sum + p.expected, 0) + missing.reduce((a, b) => a + b, 0),
    durationMs: Math.max(0, state.lastEventAt - state.requestedAt),
    remaining: left,
  }
}

function lastOutcome(state: Running): string {
  const last = [...state.steps.values()].sort((a, b) => b.changedAt - a.changedAt)[0]
  return last?.progress.status === 'verified'
    ? eventIds.completed(state.rollbackId, last.step.stepId, last.round)
    : eventIds.requested(state.rollbackId, state.plan.revision)
}
