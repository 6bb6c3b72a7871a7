import {
  canonicalJson,
  claimWait,
  closedRevision,
  type EventOf,
  type LedgerEvent,
  type OperatorCommandIssued,
  type Plan,
  PlanMismatch,
  type PlanStep,
  type RollbackRequested,
  thawPlan,
} from '@unwind/contracts'
import { isSelected, selectionOf } from '../planning/selection.js'
import { applyCommand } from './commands.js'
import { evolveStep } from './evolve-step.js'
import {
  type Closed,
  inOneShape,
  isSettled,
  latestRevision,
  type Refusal,
  type RollbackState,
  type Running,
  type StepState,
  stepInOneShape,
} from './state.js'
import { catchUp, catchUpAll, hydrateSteps, openAnew, passedGates, unheld, withPassed } from './steps.js'

/**
 * Folds one ledger event into what is known of its rollback. Pure; the same in every sidecar, the coordinator, the
 * API, the simulator. Events of one correlation ID must come in log order. An event ID that was seen changes nothing, and
 * an event that does not fit is remembered as a refusal instead of being guessed at.
 *
 * @param state null before the first event.
 * @returns the same object when nothing changed.
 */
export function evolve(state: RollbackState | null, event: LedgerEvent): RollbackState | null {
  if (state?.seen.has(event.data.eventId)) return state
  if (comesTooLate(state, event)) return state
  const next = apply(state, event)
  if (next === null) return null
  const seen = new Set(next.seen).add(event.data.eventId)
  if (next.phase !== 'running') return { ...next, seen }
  const lastEventAt = Math.max(next.lastEventAt, event.data.occurredAt)
  return inOneShape({ ...next, seen, lastEventAt })
}

/**
 * What was under way at the end is said behind it, and nobody takes it. It must not count as seen: a later revision has the step done
 * again, and that is said under the same ID.
 */
function comesTooLate(state: RollbackState | null, { type }: LedgerEvent): boolean {
  return state?.phase === 'closed' && OUTCOMES.has(type)
}

const OUTCOMES: ReadonlySet<string> = new Set<LedgerEvent['type']>([
  'CompensationStarted',
  'CompensationCompleted',
  'CompensationFailed',
  'StepParked',
])

function apply(state: RollbackState | null, event: LedgerEvent): RollbackState | null {
  switch (event.type) {
    case 'RollbackProposed':
      return state === null
        ? { phase: 'proposed', ...identity(event.data), seen: new Set(), refusals: [], proposal: event.data }
        : state
    case 'ApprovalRequested': {
      if (state?.phase !== 'proposed') return state
      const plan = thaw(event.data)
      if ('refusal' in plan) return refuse(state, plan.refusal)
      const { planHash, required } = event.data
      return { ...state, phase: 'awaiting-approval', plan: plan.plan, planHash, required, approvals: [] }
    }
    case 'ApprovalGranted':
      return state?.phase === 'awaiting-approval' && event.data.approval.planHash === state.planHash
        ? { ...state, approvals: [...state.approvals, event.data.approval] }
        : state
    case 'ApprovalDenied':
      if (state?.phase === 'proposed' && event.data.approver.startsWith('policy:'))
        return { ...state, refused: { by: event.data.approver, reason: event.data.reason } }
      return state?.phase === 'awaiting-approval' && event.data.planHash === state.planHash
        ? { ...state, phase: 'denied' }
        : state
    case 'RollbackRequested':
      return request(state, event.data)
    case 'OperatorCommandIssued':
      return applyCommand(caughtUp(state, event.data), event.data)
    case 'RollbackClosed':
      return close(state, event.data)
    case 'LateActionDetected':
      return noteUnplanned(state, event.data)
    case 'CompensationStarted':
    case 'CompensationCompleted':
    case 'CompensationFailed':
    case 'StepParked': {
      if (state?.phase !== 'running') return state
      const before = state.steps.get(event.data.stepId)
      // An outcome for a step that the plan does not have, or from another system than the step's, says nothing.
      if (!before || before.step.system !== event.data.system) return state
      const after = evolveStep(before, event)
      return after === before
        ? state
        : { ...state, steps: new Map(state.steps).set(event.data.stepId, stepInOneShape(after)) }
    }
    case 'GateOpened':
      return state?.phase === 'running'
        ? {
            ...state,
            openGates: new Set(state.openGates).add(event.data.gateId),
            steps: openAnew(state.steps, event.data.occurredAt, step => step.step.gate === event.data.gateId),
          }
        : state
    case 'SystemFenced':
      return state?.phase === 'running'
        ? { ...state, fenced: new Set(state.fenced).add(event.data.system) }
        : state
    // These speak to people; they move nothing. The timeline shows them.
    case 'ReconciliationRequested':
    case 'ReconciliationReported':
    case 'AnomalyDetected':
    case 'EscalationRaised':
    case 'EscalationAcknowledged':
    case 'EscalationDelivered':
      return state
    case 'NoteAdded':
      return noteWait(state, event.data)
    default:
      return event satisfies never
  }
}

function identity(data: { rollbackId: string; correlationId: string }) {
  return { rollbackId: data.rollbackId, correlationId: data.correlationId }
}

function thaw(data: {
  eventId: string
  rollbackId: string
  correlationId: string
  plan: string
  planHash: string
}): { plan: Plan } | { refusal: Refusal } {
  try {
    return { plan: thawPlan(data, data) }
  } catch (error) {
    if (!(error instanceof PlanMismatch)) throw error
    return { refusal: { eventId: data.eventId, code: 'unauthorised', message: error.message } }
  }
}

function refuse<S extends RollbackState>(state: S, refusal: Refusal): S {
  return { ...state, refusals: [...state.refusals, refusal] }
}

function request(state: RollbackState | null, data: RollbackRequested): RollbackState | null {
  const thawed = thaw(data)
  if ('refusal' in thawed) return state === null ? null : refuse(state, thawed.refusal)
  const { plan } = thawed
  const rest = { planText: data.plan, planHash: data.planHash, approvals: data.approvals }
  if (state?.phase === 'running' || state?.phase === 'closed') return supplement(state, plan, rest, data)
  const steps = hydrateSteps(plan, data.steps, data.occurredAt)
  return {
    phase: 'running',
    ...identity(data),
    seen: state?.seen ?? new Set(),
    refusals: state?.refusals ?? [],
    ...(state === null ? { begun: { at: data.occurredAt, revision: data.revision, byCommand: false } } : {}),
    // A log is read from the oldest rollback that has not ended, so what lies before it has.
    ...(state === null && plan.revision > 1 ? { reopenedBy: plan.revision } : {}),
    proposal: state?.proposal ?? null,
    plan,
    ...rest,
    requestedAt: data.occurredAt,
    steps,
    paused: false,
    aborted: null,
    openGates: passedGates(steps),
    fenced: new Set(),
    unplanned: new Map(),
    lastEventAt: data.occurredAt,
  }
}

/** A later revision adds what came late. It may change a step that has not begun; a step that has stays as it is (I5). */
function supplement(
  state: Running | Closed,
  plan: Plan,
  rest: { planText: string; planHash: string; approvals: RollbackRequested['approvals'] },
  data: Pick<RollbackRequested, 'eventId' | 'steps' | 'occurredAt'>,
): RollbackState {
  if (plan.revision <= state.plan.revision) return state
  const steps = new Map<string, StepState>()
  const revised = new Map(plan.steps.map(step => [step.stepId, step]))
  const told = new Map(data.steps.map(item => [item.stepId, item]))
  for (const [stepId, known] of state.steps) {
    const before = catchUp(known, told.get(stepId), data.occurredAt)
    const step = revised.get(stepId)
    if (step && before.progress.status === 'waiting') steps.set(stepId, { ...before, step })
    // It may have begun while the revision was on its way or waited for approval. Its share stands; a new place in the
    // order comes too late for it, and must not cost the others theirs: nobody would plan them again (I7).
    else if (step && sameShare(step, before.step)) steps.set(stepId, before)
    else {
      const message = `revision ${plan.revision} changes step ${stepId}, which is ${before.progress.status}`
      const refused = refuse(state, { eventId: data.eventId, code: 'contract', message })
      return { ...refused, refusedRevision: Math.max(plan.revision, state.refusedRevision ?? 0) }
    }
  }
  for (const [stepId, step] of hydrateSteps(plan, data.steps, data.occurredAt))
    if (!steps.has(stepId)) steps.set(stepId, step)
  const named = new Set(plan.steps.flatMap(step => step.actions.map(action => action.actionId)))
  for (const surfaced of plan.surfaced) named.add(surfaced.actionId)
  const unplanned = new Map([...state.unplanned].filter(([actionId]) => !named.has(actionId)))
  const base = state.phase === 'running' ? state : reopened(state, plan.revision, data.occurredAt)
  return { ...base, plan, ...rest, steps, unplanned }
}

/**
 * A command carries the plan and where every step stands. Who began at an older event than it, and has not seen all that
 * lies between, learns it here: else a command that moves a step would fit everywhere but in the sidecar that is to obey (I7).
 */
function caughtUp(state: RollbackState | null, data: OperatorCommandIssued): RollbackState | null {
  if (state?.phase !== 'running') return state
  if (data.revision > state.plan.revision) {
    const thawed = thaw(data)
    if ('refusal' in thawed) return refuse(state, thawed.refusal)
    const { plan: planText, planHash, approvals } = data
    return supplement(state, thawed.plan, { planText, planHash, approvals }, data)
  }
  if (data.revision < state.plan.revision) return state
  const steps = catchUpAll(state.steps, data.steps, data.occurredAt)
  const openGates = withPassed(state.openGates, state.plan, steps)
  return steps === state.steps && openGates === state.openGates ? state : { ...state, steps, openGates }
}

/** Whether two versions of a step undo the same by the same contract, whatever they wait for. */
function sameShare(a: PlanStep, b: PlanStep): boolean {
  const placed = { ...a, tier: b.tier, waitsFor: b.waitsFor }
  return canonicalJson(placed as never) === canonicalJson(b as never)
}

/** A revision that arrives after the end opens the rollback again: what came late is undone under the same ID. */
function reopened(state: Closed, revision: number, at: number): Running {
  const { closing: _, phase: __, ...kept } = state
  return {
    ...kept,
    ...unheld(state),
    phase: 'running',
    reopenedBy: revision,
    lastEventAt: at,
  }
}

function close(state: RollbackState | null, closing: Closed['closing']): RollbackState | null {
  if (state?.phase !== 'running') return state
  // A second coordinator may have closed an earlier revision just when this one was requested: not this one's end.
  if (closedRevision(closing.eventId) < latestRevision(state)) return state
  if ([...state.steps.values()].some(s => !isSettled(s.progress)) && closing.endState !== 'ABANDONED')
    return state
  const { paused: _, aborted: __, openGates: ___, fenced: ____, lastEventAt: _____, ...kept } = state
  return { ...kept, phase: 'closed', closing }
}

/** A note that says that this rollback waits for another one; every other note speaks to people alone. */
function noteWait(state: RollbackState | null, data: EventOf<'NoteAdded'>['data']): RollbackState | null {
  if (state?.phase !== 'proposed' && state?.phase !== 'awaiting-approval') return state
  const wait = claimWait(data.eventId, state.rollbackId)
  // Of two coordinators that tell of different turns, the later turn is how it is.
  if (wait === null || wait.turn < (state.waitsFor?.turn ?? 1)) return state
  return { ...state, waitsFor: { ...wait, message: data.text, since: data.occurredAt } }
}

function noteUnplanned(state: RollbackState | null, data: EventOf<'LateActionDetected'>['data']) {
  if (state?.phase !== 'running' && state?.phase !== 'closed') return state
  const named = new Set(state.plan.steps.flatMap(step => step.actions.map(action => action.actionId)))
  for (const surfaced of state.plan.surfaced) named.add(surfaced.actionId)
  const part = selectionOf(state.plan)
  const late = data.actions.filter(
    action => !named.has(action.actionId) && isSelected(part, { ...action, system: data.system }),
  )
  if (late.length === 0) return state
  const unplanned = new Map(state.unplanned)
  for (const action of late) unplanned.set(action.actionId, data.system)
  return { ...state, unplanned }
}
