import {
  type EventOf,
  eventIds,
  freezePlan,
  type LedgerEvent,
  type LedgerEventType,
  type Plan,
  type PlanStep,
} from '@unwind/contracts'
import { evolve } from '../unwind/evolve.js'
import type { RollbackState, Running } from '../unwind/state.js'

export const CORRELATION = 'order-1'
export const ROLLBACK = 'rb-1'
export const HASH = 'c'.repeat(64)

/** A step of the test plan; tiers follow from `waitsFor`. */
export function step(
  system: string,
  waitsFor: readonly string[] = [],
  over: Partial<PlanStep> = {},
): PlanStep {
  return {
    stepId: system,
    system,
    tier: waitsFor.length === 0 ? 0 : 1,
    waitsFor,
    tandem: null,
    gate: null,
    contractVersion: '1.0.0',
    contractHash: HASH,
    deadlineMs: 60_000,
    actions: [{ actionId: `${system}:1`, action: `${system}.done`, resource: null, data: '{}' }],
    ...over,
  }
}

export function plan(steps: readonly PlanStep[], over: Partial<Plan> = {}): Plan {
  return {
    format: 1,
    rollbackId: ROLLBACK,
    correlationId: CORRELATION,
    revision: 1,
    scope: [],
    barrier: false,
    basis: null,
    steps,
    gates: [],
    surfaced: [],
    ...over,
  }
}

type Body<T extends LedgerEventType> = Partial<EventOf<T>['data']>

function event<T extends LedgerEventType>(type: T, body: object): LedgerEvent {
  const common = {
    correlationId: CORRELATION,
    rollbackId: ROLLBACK,
    occurredAt: 1_000,
    emitter: 'test',
    causationId: null,
  }
  return { type, data: { ...common, ...body } } as unknown as LedgerEvent
}

/** Ledger events as their emitters would write them. */
export const ledger = {
  requested: (p: Plan, over: Body<'RollbackRequested'> = {}) =>
    event('RollbackRequested', {
      eventId: eventIds.requested(ROLLBACK, p.revision),
      emitter: 'coordinator',
      revision: p.revision,
      ...freezePlan(p),
      approvals: [],
      requestedBy: 'user:ana',
      policy: 'default',
      steps: [],
      ...over,
    }),
  started: (stepId: string, attempt = 1, round = 0, over: Body<'CompensationStarted'> = {}) =>
    event('CompensationStarted', {
      eventId: eventIds.started(ROLLBACK, stepId, round, attempt),
      emitter: `sidecar:${stepId}`,
      stepId,
      system: stepId,
      round,
      attempt,
      instance: `${stepId}-1`,
      contractVersion: '1.0.0',
      ...over,
    }),
  completed: (stepId: string, round = 0, over: Body<'CompensationCompleted'> = {}) =>
    event('CompensationCompleted', {
      eventId: eventIds.completed(ROLLBACK, stepId, round),
      emitter: `sidecar:${stepId}`,
      stepId,
      system: stepId,
      round,
      attempt: 1,
      outcome: 'undone',
      restored: 1,
      expected: 1,
      fromDigest: null,
      toDigest: null,
      probe: 'test',
      durationMs: 1,
      notes: [],
      ...over,
    }),
  failed: (stepId: string, attempt: number, retryAt: number | null, over: Body<'CompensationFailed'> = {}) =>
    event('CompensationFailed', {
      eventId: eventIds.failed(ROLLBACK, stepId, 0, attempt),
      stepId,
      system: stepId,
      round: 0,
      attempt,
      code: 'transient',
      message: 'refused',
      hint: '',
      retryAt,
      durationMs: 1,
      ...over,
    }),
  parked: (stepId: string, round = 0, over: Body<'StepParked'> = {}) =>
    event('StepParked', {
      eventId: eventIds.parked(ROLLBACK, stepId, round),
      stepId,
      system: stepId,
      round,
      code: 'conflict',
      message: 'newer data',
      hint: '',
      differences: [],
      ...over,
    }),
  command: (command: string, p: Plan, over: Body<'OperatorCommandIssued'> = {}) =>
    event('OperatorCommandIssued', {
      eventId: `command-${command}`,
      emitter: 'coordinator',
      command,
      stepId: null,
      actor: 'user:ana',
      reason: 'because',
      evidence: null,
      resolution: null,
      revision: p.revision,
      ...freezePlan(p),
      approvals: [],
      steps: [],
      ...over,
    }),
  late: (system: string, actionIds: readonly string[]) =>
    event('LateActionDetected', {
      eventId: `${ROLLBACK}/late/${system}/${actionIds.join('+')}`,
      system,
      actions: actionIds.map(actionId => ({
        actionId,
        action: `${system}.done`,
        resource: null,
        occurredAt: 1,
        data: '{}',
      })),
      detectedBy: 'arrival',
    }),
  fenced: (system: string, revision = 1) =>
    event('SystemFenced', { eventId: eventIds.fenced(ROLLBACK, system, revision), system, revision }),
  waits: (holder: string, turn = 1) =>
    event('NoteAdded', {
      eventId: eventIds.waitsForClaim(ROLLBACK, holder, turn),
      emitter: 'coordinator',
      author: 'coordinator',
      text: `waits: rollback ${holder} came first`,
    }),
  gateOpened: (gateId: string, revision = 1) =>
    event('GateOpened', {
      eventId: eventIds.gateOpened(ROLLBACK, gateId, revision),
      gateId,
      openedBy: 'user:ana',
      reason: 'fine',
    }),
  closed: (endState = 'RESTORED_VERIFIED', revision = 1) =>
    event('RollbackClosed', {
      eventId: eventIds.closed(ROLLBACK, revision),
      endState,
      restored: 1,
      expected: 1,
      durationMs: 1,
      remaining: [],
    }),
}

export function fold(...events: readonly LedgerEvent[]): RollbackState | null {
  return events.reduce<RollbackState | null>(evolve, null)
}

/** The fold of events after which the rollback must be running. */
export function running(...events: readonly LedgerEvent[]): Running {
  const state = fold(...events)
  if (state?.phase !== 'running')
    throw new Error(`expected a running rollback, got ${state?.phase ?? 'nothing'}`)
  return state
}

/** Status of every step, for short expectations. */
export function statuses(state: RollbackState | null): Record<string, string> {
  if (state?.phase !== 'running' && state?.phase !== 'closed') return {}
  return Object.fromEntries([...state.steps].map(([id, s]) => [id, s.progress.status]))
}
