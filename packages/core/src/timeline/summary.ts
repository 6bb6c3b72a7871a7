import type { EscalationRaised, LedgerEvent } from '@unwind/contracts'
import { annotatedEnd, foldAftermath } from '../aftermath/summary.js'
import { whyGone } from '../escalation/gone.js'
import { evolve } from '../unwind/evolve.js'
import { END_STATES, type EndState, isSettled, type RollbackState, type StepState } from '../unwind/state.js'
import type { CommandRow, RollbackSummary, StepRow } from './timeline.js'

/** What the ledger told of one step on the way, by place in the rollback's events. */
interface Course {
  started: { readonly at: number; readonly index: number } | null
  settled: { readonly at: number; readonly index: number } | null
  /** "<round>.<attempt>" of all that were told of. */
  readonly attempts: Set<string>
  digests: { readonly from: string | null; readonly to: string | null } | null
}

/** @param events of one rollback, distinct, in log order: the same fold as everywhere (I8). */
export function summarise(rollbackId: string, events: readonly LedgerEvent[]): RollbackSummary {
  const courses = new Map<string, Course>()
  const alarms = new Map<string, EscalationRaised>()
  const taken = new Set<string>()
  let state: RollbackState | null = null
  events.forEach((event, index) => {
    const before = state
    state = evolve(state, event)
    if (state !== before) follow(courses, event, index, before, state)
    if (event.type === 'EscalationRaised' && !alarms.has(event.data.escalationId))
      alarms.set(event.data.escalationId, event.data)
    if (event.type === 'EscalationAcknowledged') taken.add(event.data.escalationId)
  })
  const end: RollbackState | null = state
  // What a rollback waited for is over with it: nobody has to take an alarm about that any more.
  const open = [...alarms.values()].filter(
    raised => !taken.has(raised.escalationId) && (end === null || whyGone(raised, end) === null),
  )
  const aftermath = foldAftermath(events)
  const sums = figures(state, events)
  return {
    rollbackId,
    ...sums,
    end: sums.endState && annotatedEnd(sums.endState, aftermath.anomalies),
    ...aftermath,
    commands: commandsOf(events),
    openEscalations: open.map(raised => raised.escalationId),
    steps: rows(state, courses),
  }
}

function commandsOf(events: readonly LedgerEvent[]): CommandRow[] {
  return events.flatMap(event => {
    if (event.type !== 'OperatorCommandIssued') return []
    const { command, stepId, actor, reason, resolution, evidence, occurredAt } = event.data
    return [{ command, stepId, actor, reason, resolution, evidence, at: occurredAt }]
  })
}

function follow(
  courses: Map<string, Course>,
  event: LedgerEvent,
  index: number,
  before: RollbackState | null,
  after: RollbackState | null,
): void {
  const at = event.data.occurredAt
  if (
    event.type === 'CompensationStarted' ||
    event.type === 'CompensationCompleted' ||
    event.type === 'CompensationFailed'
  ) {
    const course = courseOf(courses, event.data.stepId)
    // An attempt that was over within moments is told of by its outcome alone.
    const took = event.type === 'CompensationStarted' ? 0 : event.data.durationMs
    course.started ??= { at: at - took, index }
    course.attempts.add(`${event.data.round}.${event.data.attempt}`)
    if (event.type === 'CompensationCompleted' && after !== before)
      course.digests = { from: event.data.fromDigest, to: event.data.toDigest }
  }
  const was = stepsOf(before)
  for (const [stepId, step] of stepsOf(after))
    if (step !== was.get(stepId) && isSettled(step.progress))
      courseOf(courses, stepId).settled ??= { at, index }
}

function courseOf(courses: Map<string, Course>, stepId: string): Course {
  const course = courses.get(stepId) ?? { started: null, settled: null, attempts: new Set(), digests: null }
  courses.set(stepId, course)
  return course
}

function stepsOf(state: RollbackState | null): ReadonlyMap<string, StepState> {
  return state?.phase === 'running' || state?.phase === 'closed' ? state.steps : new Map()
}

function figures(state: RollbackState | null, events: readonly LedgerEvent[]) {
  const first = events.find(event => event.type === 'RollbackProposed')
  const proposal = first?.type === 'RollbackProposed' ? first.data : null
  const closing = state?.phase === 'closed' ? state.closing : null
  const requested = state?.phase === 'running' || state?.phase === 'closed' ? state.requestedAt : null
  const last = closing ?? events.at(-1)?.data
  const steps = [...stepsOf(state).values()]
  return {
    phase: state?.phase ?? ('unknown' as const),
    endState: closing ? endState(closing.endState) : null,
    reason: proposal?.reason ?? null,
    proposedBy: proposal?.proposedBy ?? null,
    revision: state && state.phase !== 'proposed' ? state.plan.revision : null,
    requestedAt: requested,
    closedAt: closing?.occurredAt ?? null,
    durationMs: requested === null || !last ? null : Math.max(0, last.occurredAt - requested),
    restored: closing?.restored ?? sum(steps, 'restored'),
    expected: closing?.expected ?? sum(steps, 'expected'),
    remaining: closing?.remaining ?? [],
    refusals: state?.refusals.map(r => `${r.eventId}: ${r.message}`) ?? [],
  }
}

/** A word that this version does not know is no green end. */
function endState(word: string): EndState {
  return END_STATES.find(known => known === word) ?? 'DISCREPANCY_SURFACED'
}

/** What is expected of a step without a probe: its actions. */
function sum(steps: readonly StepState[], figure: 'restored' | 'expected'): number {
  return steps.reduce((total, { progress, step }) => {
    if (progress.status === 'verified') return total + progress[figure]
    return total + (figure === 'expected' ? step.actions.length : 0)
  }, 0)
}

function rows(state: RollbackState | null, courses: ReadonlyMap<string, Course>): StepRow[] {
  const steps = stepsOf(state)
  const starts = [...courses]
    .filter(([stepId, course]) => course.started !== null && steps.has(stepId))
    .sort(([, a], [, b]) => a.started!.index - b.started!.index)
    .map(([stepId]) => stepId)
  return [...steps.values()].map(({ step, progress }) => {
    const course = courses.get(step.stepId)
    const started = course?.started ?? null
    const settled = course?.settled ?? null
    const verified = progress.status === 'verified' ? progress : null
    const byHand = progress.status === 'skipped' || progress.status === 'resolved' ? progress : null
    return {
      stepId: step.stepId,
      system: step.system,
      planned: { tier: step.tier, waitsFor: step.waitsFor, actions: step.actions.length },
      actual: {
        status: progress.status,
        outcome: verified?.outcome ?? (byHand ? `${byHand.status} by ${byHand.actor}` : null),
        place: started ? starts.indexOf(step.stepId) + 1 : null,
        attempts: course?.attempts.size ?? 0,
        startedAt: started?.at ?? null,
        settledAt: settled?.at ?? null,
        durationMs: started && settled ? Math.max(0, settled.at - started.at) : null,
        restored: verified?.restored ?? null,
        expected: verified?.expected ?? null,
        inOrder: started ? step.waitsFor.every(id => settledBefore(courses.get(id), started.index)) : null,
        fromDigest: verified ? (course?.digests?.from ?? null) : null,
        toDigest: verified ? (course?.digests?.to ?? null) : null,
      },
    }
  })
}

function settledBefore(course: Course | undefined, index: number): boolean {
  return course?.settled !== null && course !== undefined && course.settled.index < index
}
