import type { Plan, PlanStep, StepSnapshot } from '@unwind/contracts'
import { isSettled, type Running, type StepProgress, type StepState } from './state.js'

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

/** Before all that a fold has seen: a snapshot does not say when its step was first tried. */
export const LONG_AGO = 0

/** It is not settled, and may have been tried: what the target still knows of that depends on when it was. */
export function wasTried({ status, round }: Pick<StepSnapshot, 'status' | 'round'>): boolean {
  if (status === 'waiting') return round > 0
  return status === 'started' || status === 'retrying' || status === 'failed' || status === 'parked'
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
      if (!item) return [step.stepId, fresh]
      const firstStartedAt = wasTried(item) ? LONG_AGO : null
      return [
        step.stepId,
        { ...fresh, round: item.round, progress: progressFrom(item.status, at), firstStartedAt },
      ]
    }),
  )
}

/**
 * What a snapshot adds to a step of which this fold has not seen all: it passed over an outcome, or began at an event that
 * told less. A fold of the whole log is as far already, and is changed by nothing.
 */
export function catchUp(known: StepState, told: StepSnapshot | undefined, at: number): StepState {
  if (told === undefined || isSettled(known.progress) || told.round < known.round) return known
  const progress = progressFrom(told.status, at)
  if (told.round === known.round && advance(progress) <= advance(known.progress)) return known
  const attempts = told.round > known.round ? 0 : known.attempts
  return { ...known, round: told.round, attempts, progress, changedAt: at }
}

/** @returns the same map when the snapshot adds nothing. */
export function catchUpAll(
  steps: ReadonlyMap<string, StepState>,
  snapshot: readonly StepSnapshot[],
  at: number,
): ReadonlyMap<string, StepState> {
  let after = steps
  for (const told of snapshot) {
    const known = steps.get(told.stepId)
    const next = known && catchUp(known, told, at)
    if (next && next !== known) after = new Map(after).set(told.stepId, next)
  }
  return after
}

/** How far a step is within its round: no event of the round brings it back. */
function advance({ status }: StepProgress): number {
  switch (status) {
    case 'waiting':
      return 0
    case 'started':
    case 'retrying':
    case 'failed':
      return 1
    case 'parked':
      return 2
    default:
      return 3
  }
}

/** Gates that must have been open, since a step behind them has begun: what an event that stands alone tells of gates. */
export function passedGates(steps: ReadonlyMap<string, StepState>): ReadonlySet<string> {
  const passed = new Set<string>()
  for (const state of steps.values())
    if (state.step.gate !== null && hasBegun(state)) passed.add(state.step.gate)
  return passed
}

/** What a person settled in its first round may never have begun: it says nothing of its gate (I4). */
export function hasBegun({ progress: { status }, round }: StepState): boolean {
  return round > 0 || (status !== 'waiting' && status !== 'skipped' && status !== 'resolved')
}

/**
 * What held or released a rollback before it ended; nothing of that holds for what a later revision opens again. Also a sidecar
 * that keeps a closed rollback, since its target has not answered yet, goes on from here: its fold must be everybody's (I8).
 */
export const UNHELD: Pick<Running, 'paused' | 'aborted' | 'openGates' | 'fenced'> = {
  paused: false,
  aborted: null,
  openGates: new Set(),
  fenced: new Set(),
}

/** As `UNHELD`, with the gates that a step has passed: a person has let it through, and asking again would tell nothing new. */
export function unheld({ plan, steps }: Pick<Running, 'plan' | 'steps'>): typeof UNHELD {
  return { ...UNHELD, openGates: withPassed(UNHELD.openGates, plan, steps) }
}

/**
 * Open gates, with those of people that must have been opened though this fold began later (I7). A bake is each step's own.
 * @returns the same set when it has them all.
 */
export function withPassed(
  open: ReadonlySet<string>,
  { gates }: Plan,
  steps: ReadonlyMap<string, StepState>,
): ReadonlySet<string> {
  const passed = passedGates(steps)
  const missing = gates.filter(g => g.kind === 'human' && passed.has(g.gateId) && !open.has(g.gateId))
  return missing.length === 0 ? open : new Set([...open, ...missing.map(g => g.gateId)])
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
