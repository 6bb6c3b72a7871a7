import type { Plan, PlanStep, UnwindEvent } from '@unwind/contracts'
import { command } from './naive-command.js'
import { isOver, type NaiveStep, settle } from './naive-step.js'
import type { PlanTexts } from './plan-texts.js'

export interface NaiveRollback {
  readonly id: string
  readonly correlationId: string
  readonly partition: number
  proposed: boolean
  refused: boolean
  denied: boolean
  /** Plans in the order of the log: what was in force from which offset on. */
  readonly revisions: { readonly plan: Plan; readonly from: number; readonly at: number }[]
  readonly steps: Map<string, NaiveStep>
  /** [offset, paused] in the order of the log. */
  readonly pauses: (readonly [number, boolean])[]
  abortedAt: number | null
  /** It was closed or denied at some time. */
  ended: boolean
  closed: { readonly endState: string; readonly offset: number } | null
  readonly gates: Map<string, number>
  readonly fenced: Map<string, number>
  /** Action → system and the offset at which it was said. */
  readonly unplanned: Map<string, { readonly system: string; readonly from: number }>
  /** The rollback that it says it waits for, before it was ever requested. */
  waitsFor: string | null
  /** How often somebody was in the way by then. */
  waitTurn: number
  /** A plan waits for people: its revision. */
  asked: number | null
  readonly escalations: { readonly kind: string; readonly stepId: string | null; readonly id: string }[]
  readonly seen: Set<string>
  supplementRefused: boolean
}

export function planOf(rollback: NaiveRollback): Plan | null {
  return rollback.revisions.at(-1)?.plan ?? null
}

export function emptyRollback(id: string, correlationId: string, partition: number): NaiveRollback {
  return {
    id,
    correlationId,
    partition,
    proposed: false,
    refused: false,
    denied: false,
    revisions: [],
    steps: new Map(),
    pauses: [],
    abortedAt: null,
    ended: false,
    closed: null,
    gates: new Map(),
    fenced: new Map(),
    unplanned: new Map(),
    waitsFor: null,
    waitTurn: 0,
    asked: null,
    escalations: [],
    seen: new Set(),
    supplementRefused: false,
  }
}

const OUTCOMES: ReadonlySet<string> = new Set([
  'CompensationStarted',
  'CompensationCompleted',
  'CompensationFailed',
  'StepParked',
])

/** Takes one accepted event in. */
export function take(
  rollback: NaiveRollback,
  event: UnwindEvent,
  offset: number,
  at: number,
  texts: PlanTexts,
): void {
  const { data } = event
  if (rollback.seen.has(data.eventId)) return
  const running = rollback.revisions.length > 0 && rollback.closed === null
  // A later revision has the step done again, and says so under the same ID.
  if (rollback.closed !== null && OUTCOMES.has(event.type)) return
  switch (event.type) {
    case 'RollbackProposed':
      rollback.proposed = true
      break
    case 'ApprovalRequested':
      rollback.asked = event.data.revision
      break
    case 'ApprovalDenied':
      if (rollback.revisions.length === 0) {
        if (event.data.approver.startsWith('policy:')) rollback.refused = true
        else if (rollback.asked !== null) rollback.denied = true
        rollback.ended ||= rollback.refused || rollback.denied
      }
      break
    case 'RollbackRequested':
      request(rollback, texts.plan(event.data.plan), offset, at)
      break
    case 'OperatorCommandIssued':
      if (running) command(rollback, event.data, offset, at)
      break
    case 'CompensationStarted': {
      const step = ofRound(rollback, running, event.data)
      if (!step || step.status === 'parked' || event.data.attempt <= step.attempts) break
      step.attempts = event.data.attempt
      if (step.status !== 'started') step.startedAt = offset
      step.status = 'started'
      break
    }
    case 'CompensationFailed': {
      const step = ofRound(rollback, running, event.data)
      if (!step || step.status === 'parked' || event.data.attempt < step.attempts) break
      step.attempts = event.data.attempt
      step.status = event.data.retryAt === null ? 'failed' : 'retrying'
      break
    }
    case 'StepParked': {
      const step = ofRound(rollback, running, event.data)
      if (!step) break
      step.status = 'parked'
      step.parkedAt ??= offset
      break
    }
    case 'CompensationCompleted': {
      const step = running ? rollback.steps.get(event.data.stepId) : undefined
      if (!step || isOver(step.status) || step.step.system !== event.data.system) break
      settle(step, 'verified', offset, at)
      step.restored = event.data.restored
      step.expected = event.data.expected
      break
    }
    case 'GateOpened':
      if (running && !rollback.gates.has(event.data.gateId)) rollback.gates.set(event.data.gateId, offset)
      break
    case 'SystemFenced':
      if (!rollback.fenced.has(event.data.system)) rollback.fenced.set(event.data.system, offset)
      break
    case 'LateActionDetected': {
      const plan = planOf(rollback)
      if (!plan) break
      const named = namedIn(plan)
      for (const { actionId } of event.data.actions)
        if (!named.has(actionId) && !rollback.unplanned.has(actionId))
          rollback.unplanned.set(actionId, { system: event.data.system, from: offset })
      break
    }
    case 'NoteAdded': {
      const [, turn = '1', holder] = /\/waits-(?:for-claim|again\/(\d+))\/(.+)$/.exec(data.eventId) ?? []
      if (holder === undefined || rollback.revisions.length > 0 || Number(turn) < rollback.waitTurn) break
      rollback.waitsFor = holder
      rollback.waitTurn = Number(turn)
      break
    }
    case 'EscalationRaised':
      rollback.escalations.push({ kind: event.data.kind, stepId: event.data.stepId, id: data.eventId })
      break
    case 'RollbackClosed': {
      const open = [...rollback.steps.values()].some(step => !isOver(step.status))
      if (running && (!open || event.data.endState === 'ABANDONED'))
        rollback.closed = { endState: event.data.endState, offset }
      rollback.ended ||= rollback.closed !== null
      break
    }
    default:
  }
  rollback.seen.add(data.eventId)
}

function ofRound(
  rollback: NaiveRollback,
  running: boolean,
  data: { readonly stepId: string; readonly system: string; readonly round: number },
): NaiveStep | null {
  const step = running ? rollback.steps.get(data.stepId) : undefined
  if (!step || step.step.system !== data.system || isOver(step.status) || step.round !== data.round)
    return null
  return step
}

export function namedIn(plan: Plan): ReadonlySet<string> {
  const named = new Set(plan.surfaced.map(action => action.actionId))
  for (const step of plan.steps) for (const action of step.actions) named.add(action.actionId)
  return named
}

function request(rollback: NaiveRollback, plan: Plan, offset: number, at: number): void {
  const before = planOf(rollback)
  if (before && plan.revision <= before.revision) return
  const next = new Map(plan.steps.map(step => [step.stepId, step]))
  for (const [stepId, step] of rollback.steps) {
    const revised = next.get(stepId)
    // What has begun keeps its place, whatever a later revision says; its share may not be changed by one.
    if (!revised) return
    if (step.status !== 'waiting' && shareOf(revised) !== shareOf(step.step)) return
  }
  for (const [stepId, step] of next) {
    const known = rollback.steps.get(stepId)
    if (known) {
      if (known.status === 'waiting') known.step = step
    } else
      rollback.steps.set(stepId, {
        step,
        status: 'waiting',
        round: 0,
        rounds: [],
        attempts: 0,
        startedAt: null,
        settledAt: null,
        settledTime: 0,
        parkedAt: null,
        resolutions: new Set(),
        restored: 0,
        expected: 0,
      })
  }
  rollback.revisions.push({ plan, from: offset, at })
  rollback.denied = false
  if (rollback.asked !== null && rollback.asked <= plan.revision) rollback.asked = null
  const named = namedIn(plan)
  for (const actionId of rollback.unplanned.keys())
    if (named.has(actionId)) rollback.unplanned.delete(actionId)
  if (rollback.closed) {
    rollback.closed = null
    rollback.abortedAt = null
    rollback.pauses.push([offset, false])
    for (const gate of rollback.gates.keys()) if (!isPassed(rollback, gate)) rollback.gates.delete(gate)
    // A fence stands in its target for ever, whatever becomes of the rollback.
  }
}

/** A step has begun behind it: nobody is asked again, whatever ended in between. */
function isPassed(rollback: NaiveRollback, gateId: string): boolean {
  const begun = (step: NaiveStep) =>
    step.round > 0 || !['waiting', 'skipped', 'resolved'].includes(step.status)
  return [...rollback.steps.values()].some(step => step.step.gate === gateId && begun(step))
}

function shareOf(step: PlanStep): string {
  return JSON.stringify([step.system, step.contractHash, step.actions])
}
