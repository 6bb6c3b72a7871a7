import type { EventOf } from '@unwind/contracts'
import { isSettled, type StepProgress, type StepState } from './state.js'

type StepEvent = EventOf<
  'CompensationStarted' | 'CompensationCompleted' | 'CompensationFailed' | 'StepParked'
>

/** @returns the same object when the event says nothing new about the step. */
export function evolveStep(state: StepState, event: StepEvent): StepState {
  if (isSettled(state.progress)) return state
  // Proof counts whichever round it comes from: an instance that was paused may report after a person opened a new round.
  if (event.type !== 'CompensationCompleted' && event.data.round !== state.round) return state
  const at = event.data.occurredAt
  switch (event.type) {
    case 'CompensationStarted': {
      const { attempt } = event.data
      if (state.progress.status === 'parked' || attempt <= state.attempts) return state
      return {
        ...state,
        attempts: attempt,
        firstStartedAt: state.firstStartedAt ?? at,
        changedAt: at,
        progress: { status: 'started', attempt, startedAt: at },
      }
    }
    case 'CompensationCompleted': {
      const { outcome, restored, expected, notes } = event.data
      return { ...state, changedAt: at, progress: { status: 'verified', outcome, restored, expected, notes } }
    }
    case 'CompensationFailed': {
      const { attempt } = event.data
      if (state.progress.status === 'parked' || attempt < state.attempts) return state
      return { ...state, attempts: attempt, changedAt: at, progress: failed(event.data) }
    }
    case 'StepParked': {
      const { code, message, differences } = event.data
      return { ...state, changedAt: at, progress: { status: 'parked', code, message, differences } }
    }
    default:
      return event satisfies never
  }
}

function failed(data: EventOf<'CompensationFailed'>['data']): StepProgress {
  const { attempt, code, message, retryAt } = data
  return retryAt === null
    ? { status: 'failed', attempt, code, message }
    : { status: 'retrying', attempt, retryAt, code }
}
