import type { Plan, PlanStep, StepSnapshot } from '@unwind/contracts'
import { isSettled, type StepProgress, type StepState } from './state.js'

export function freshStep(step: PlanStep, at: number): StepState {
  return {
    step,
    progress: { status: 'waiting' },
    round: 0,
    resolution: null,
    attempts: 0,
    firstStartedAt: null,
    changedAt: at,
    openedAt: at,
  }
}

/** Something that held these steps back is over: their deadlines run anew from `at`, epoch ms. */
export function openAnew(
  steps: ReadonlyMap<string, StepState>,
  at: number,
  concerns: (step: StepState) => boolean,
): ReadonlyMap<string, StepState> {
  return new Map([...steps].map(([id, step]) => [id, concerns(step) ? { ...step, openedAt: at } : step]))
}

/** The steps of a plan, each where the snapshot says that it stood. */
export function hydrateSteps(
  plan: Plan,
  snapshot: readonly StepSnapshot[],
  at: number,
): ReadonlyMap<string, StepState> {
  const known = new Map(snapshot.map(item => [item.stepId, item]))
  return new Map(
    plan.steps.map(step => {
      const fresh = freshStep(step, at)
      const item = known.get(step.stepId)
      return [
        step.stepId,
        item ? { ...fresh, round: item.round, progress: progressFrom(item.status, at) } : fresh,
      ]
    }),
  )
}

/**
 * What a snapshot adds to a step whose outcome this fold has passed over, because nobody here waited for it until now.
 * A fold of the whole log knows it already, and is changed by nothing.
 */
export function catchUp(known: StepState, told: StepSnapshot | undefined, at: number): StepState {
  if (told === undefined || isSettled(known.progress) || told.round < known.round) return known
  const progress = progressFrom(told.status, at)
  return isSettled(progress) ? { ...known, round: told.round, progress, changedAt: at } : known
}

/** Gates that must have been open, since a step behind them has begun: what an event that stands alone tells of gates. */
export function passedGates(steps: ReadonlyMap<string, StepState>): ReadonlySet<string> {
  const passed = new Set<string>()
  for (const { step, progress, round } of steps.values())
    if (step.gate !== null && (progress.status !== 'waiting' || round > 0)) passed.add(step.gate)
  return passed
}

/** A snapshot says enough to decide who waits for whom; the figures of the outcome stand in the log. */
function progressFrom(status: string, at: number): StepProgress {
  const told = { actor: 'see the ledger', reason: 'settled before this event' }
  switch (status) {
    case 'verified':
      return { status, outcome: 'undone', restored: 0, expected: 0, notes: [] }
    case 'skipped':
      return { status, ...told }
    case 'resolved':
      return { status, ...told, evidence: null }
    case 'parked':
      return {
        status,
        code: 'conflict',
        message: 'parked before this event; see the ledger',
        differences: [],
      }
    case 'started':
    case 'retrying':
      return { status: 'started', attempt: 0, startedAt: at }
    default:
      return { status: 'waiting' }
  }
}

/** What an event that must stand alone says of every step. */
export function snapshotOf(steps: ReadonlyMap<string, StepState>): StepSnapshot[] {
  return [...steps.values()].map(s => ({ stepId: s.step.stepId, status: s.progress.status, round: s.round }))
}
