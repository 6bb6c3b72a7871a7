import { type FailureCode, type OperatorCommandIssued, PlanMismatch, thawPlan } from '@unwind/contracts'
import { isoTime } from '../timeline/time.js'
import { isSettled, type RollbackState, type Running, type StepProgress, type StepState } from './state.js'
import { hasBegun, hydrateSteps, openAnew, passedGates } from './steps.js'

export const OPERATOR_COMMANDS = ['pause', 'resume', 'retry', 'skip', 'resolve', 'abort'] as const
export type OperatorCommand = (typeof OPERATOR_COMMANDS)[number]

/** Folds an operator command. One that does not fit leaves a refusal that says why. */
export function applyCommand(state: RollbackState | null, data: OperatorCommandIssued): RollbackState | null {
  const running = state === null ? standAlone(data) : state
  if (running === null) return null
  if (running.phase !== 'running') return refuse(running, data, `the rollback is ${running.phase}`)
  // I5: a copy of a command from before this fold began would be new to it, since it never saw its ID.
  if (state !== null && isFromBefore(running, data))
    return refuse(
      running,
      data,
      `it is of ${isoTime(data.occurredAt)}, from before what this reader began with; a copy of it, or a clock that is behind`,
      'unauthorised',
    )
  return { ...obey(running, data), lastCommand: data.eventId }
}

/**
 * Whether a command is older than the event that this fold began with. Commands name the one before them, so that one which
 * follows something seen here is new whatever its clock said; only of the others the clock decides.
 */
export function isFromBefore({ begun, seen }: Running, data: OperatorCommandIssued): boolean {
  if (begun === undefined || data.occurredAt >= begun.at) return false
  if (data.causationId !== null && seen.has(data.causationId)) return false
  return begun.byCommand ? data.revision <= begun.revision : data.revision < begun.revision
}

function obey(running: Running, data: OperatorCommandIssued): Running {
  switch (data.command) {
    case 'pause':
      return { ...running, paused: true }
    case 'resume':
      return {
        ...running,
        paused: false,
        steps: openAnew(running.steps, data.occurredAt, step => !isSettled(step.progress)),
      }
    case 'abort':
      return { ...running, aborted: { actor: data.actor, reason: data.reason } }
    case 'retry':
    case 'skip':
    case 'resolve':
      return onStep(running, data)
    default:
      return refuse(running, data, `command "${data.command}" is not known to this version`)
  }
}

/** Whoever restarted after the request was committed away knows the rollback only from this event: it carries all of it. */
function standAlone(data: OperatorCommandIssued): Running | null {
  try {
    const plan = thawPlan(data, data)
    const steps = hydrateSteps(plan, data.steps, data.occurredAt)
    const begun = [...steps.values()].some(hasBegun)
    return {
      phase: 'running',
      rollbackId: data.rollbackId,
      correlationId: data.correlationId,
      seen: new Set(),
      refusals: [],
      begun: { at: data.occurredAt, revision: data.revision, byCommand: true },
      proposal: null,
      plan,
      planText: data.plan,
      planHash: data.planHash,
      approvals: data.approvals,
      requestedAt: data.occurredAt,
      steps,
      paused: false,
      aborted: null,
      // I4: of other gates it does not speak; whoever waits behind one has kept its offset (`holdsOffset`).
      openGates: passedGates(steps),
      // Once a step has begun, the barrier was passed.
      fenced: new Set(begun ? plan.steps.map(step => step.system) : []),
      unplanned: new Map(),
      lastEventAt: data.occurredAt,
    }
  } catch (error) {
    if (error instanceof PlanMismatch) return null
    throw error
  }
}

function onStep(state: Running, data: OperatorCommandIssued): Running {
  const step = data.stepId === null ? undefined : state.steps.get(data.stepId)
  if (!step) return refuse(state, data, `the plan has no step ${data.stepId ?? '(none named)'}`)
  if (isSettled(step.progress))
    return refuse(state, data, `step ${step.step.stepId} is already ${step.progress.status}`)
  const next = afterCommand(step, data)
  if (typeof next === 'string') return refuse(state, data, next)
  return {
    ...state,
    steps: new Map(state.steps).set(step.step.stepId, { ...next, changedAt: data.occurredAt }),
  }
}

/** @returns the step after the command, or why it does not fit. */
function afterCommand(step: StepState, data: OperatorCommandIssued): StepState | string {
  const { actor, reason, evidence } = data
  const settle = (progress: StepProgress): StepState => ({ ...step, progress })
  const nextRound = (resolution: StepState['resolution']): StepState => ({
    ...step,
    round: step.round + 1,
    attempts: 0,
    resolution,
    progress: { status: 'waiting' },
    openedAt: data.occurredAt,
  })
  if (data.command === 'skip') return settle({ status: 'skipped', actor, reason })
  if (data.command === 'retry') {
    // An attempt under way may still succeed: a second one beside it would only race with it.
    if (step.progress.status === 'waiting')
      return `step ${step.step.stepId} has not begun, there is nothing to retry`
    return nextRound(null)
  }
  switch (data.resolution) {
    case 'manual':
      return settle({ status: 'resolved', actor, reason, evidence })
    case 'keep':
    case 'force':
    case 'merge':
      // Nobody has seen a conflict yet; and a later round tells whoever folds from here that its gate was passed (I4).
      if (step.progress.status === 'waiting' && step.round === 0)
        return `step ${step.step.stepId} has not begun, there is no conflict to resolve yet`
      return nextRound(data.resolution)
    default:
      return `resolve needs a resolution: keep, force, merge or manual (got ${data.resolution ?? 'none'})`
  }
}

function refuse<S extends RollbackState>(
  state: S,
  data: OperatorCommandIssued,
  why: string,
  code: FailureCode = 'contract',
): S {
  const message = `${data.command} by ${data.actor}: ${why}`
  return { ...state, refusals: [...state.refusals, { eventId: data.eventId, code, message }] }
}
