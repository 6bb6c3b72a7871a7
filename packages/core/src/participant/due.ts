import { eventIds, type LedgerEvent, type PlanStep, type RetryPolicy } from '@unwind/contracts'
import { readiness } from '../unwind/readiness.js'
import type { Running, StepState } from '../unwind/state.js'
import type { Decision, Participant, ParticipantCommand, Participation, Work } from './participant.js'

/** What this sidecar should do now: fence, start, retry, park, or wake up later. Marks what it starts as work. */
export function dueCommands(
  me: Participant,
  before: Participation,
  rollback: Running,
  now: number,
): Decision {
  if (!concerns(me, rollback)) return { state: before, commands: [] }
  if (before.fence === 'needed') {
    if (before.fenceRetryAt !== null && now < before.fenceRetryAt)
      return { state: before, commands: [{ kind: 'wake', at: before.fenceRetryAt }] }
    return { state: { ...before, fence: 'running' }, commands: [{ kind: 'fence' }] }
  }
  // Until the fence stands and the undo log was looked into, a step could start without knowing all of its actions.
  if (before.fence === 'running') return { state: before, commands: [] }
  const begun = new Map<string, Work>()
  const commands: ParticipantCommand[] = []
  for (const step of rollback.steps.values()) {
    if (step.step.system !== me.system || before.work.has(step.step.stepId)) continue
    commands.push(...dueForStep(me, rollback, step, now, begun, before.fromHistory))
  }
  if (begun.size === 0) return { state: before, commands }
  return { state: { ...before, work: new Map([...before.work, ...begun]) }, commands }
}

/** A rollback of named systems is nobody else's business; a whole one concerns everybody who may hold actions of it. */
function concerns(me: Participant, rollback: Running): boolean {
  const { scope } = rollback.plan
  return scope.length === 0 || scope.includes(me.system)
}

function dueForStep(
  me: Participant,
  rollback: Running,
  step: StepState,
  now: number,
  work: Map<string, Work>,
  fromHistory: boolean,
): readonly ParticipantCommand[] {
  const { progress } = step
  // A first attempt is hardly ever interrupted; whatever may be a second one is counted, or it could go on for ever.
  const first = !fromHistory && step.round === 0 && step.attempts === 0
  switch (progress.status) {
    case 'verified':
    case 'skipped':
    case 'resolved':
    case 'parked':
      return []
    case 'failed':
      // The process died between the last failure and the parking.
      return park(me, rollback, step, now, work, progress.code, progress.message, 'see the failure before it')
    case 'retrying':
      if (now < progress.retryAt) return [{ kind: 'wake', at: progress.retryAt }]
      return attempt(me, rollback, step, now, work, first, progress.code !== 'transient')
    case 'started':
      // Started in the ledger, and not here: an earlier process died, or lost the partition, in the middle of it (I2).
      return attempt(me, rollback, step, now, work, first, true)
    case 'waiting': {
      const ready = readiness(rollback, step, now)
      if (ready.kind === 'bakes') return [{ kind: 'wake', at: ready.until }]
      if (ready.kind !== 'ready') return []
      return attempt(me, rollback, step, now, work, first, step.round > 0)
    }
    default:
      return progress satisfies never
  }
}

function attempt(
  me: Participant,
  rollback: Running,
  step: StepState,
  now: number,
  work: Map<string, Work>,
  first: boolean,
  effectPossible: boolean,
): readonly ParticipantCommand[] {
  if (rollback.paused) return []
  // What has begun is let finish, also by another process: else nobody learns how it ended, and the end waits for it (I7).
  if (rollback.aborted && step.progress.status !== 'started') return []
  if (step.step.contractHash !== me.contractHash) {
    const message =
      `step ${step.step.stepId} was planned with contract ${me.system} ${step.step.contractVersion} ` +
      `(${step.step.contractHash.slice(0, 12)}); this sidecar acts by ${me.contractVersion} (${me.contractHash.slice(0, 12)})`
    return park(
      me,
      rollback,
      step,
      now,
      work,
      'contract',
      message,
      'run a sidecar with the planned version, then retry the step',
    )
  }
  const policy = strictestRetry(me, step.step)
  const next = step.attempts + 1
  if (next > policy.attempts) {
    const message = `step ${step.step.stepId} was interrupted or failed in ${step.attempts} of ${policy.attempts} attempts`
    return park(
      me,
      rollback,
      step,
      now,
      work,
      'unknown',
      message,
      "look into the target and the sidecar's log, then retry the step",
    )
  }
  const current: Work = { round: step.round, attempt: next, phase: 'running' }
  work.set(step.step.stepId, current)
  const intent: LedgerEvent = {
    type: 'CompensationStarted',
    data: {
      ...aboutStep(me, rollback, step, now),
      eventId: eventIds.started(rollback.rollbackId, step.step.stepId, step.round, next),
      attempt: next,
      instance: me.instance,
      contractVersion: me.contractVersion,
    },
  }
  return [
    {
      kind: 'attempt',
      stepId: step.step.stepId,
      work: current,
      actions: step.step.actions,
      resolution: step.resolution,
      firstStartedAt: step.firstStartedAt ?? now,
      intent,
      announce: !me.atomicEffect ? 'first' : first ? 'if-slow' : 'at-once',
      probeFirst: effectPossible && !me.atomicEffect,
    },
  ]
}

function park(
  me: Participant,
  rollback: Running,
  step: StepState,
  now: number,
  work: Map<string, Work>,
  code: string,
  message: string,
  hint: string,
): readonly ParticipantCommand[] {
  work.set(step.step.stepId, { round: step.round, attempt: step.attempts + 1, phase: 'reported' })
  const eventId = eventIds.parked(rollback.rollbackId, step.step.stepId, step.round)
  const data = { ...aboutStep(me, rollback, step, now), eventId, code, message, hint, differences: [] }
  return [{ kind: 'emit', event: { type: 'StepParked', data } }]
}

/** The fields that every event about a step has. Its cause is the last thing that it waited for. */
export function aboutStep(me: Participant, rollback: Running, step: StepState, now: number) {
  return {
    correlationId: rollback.correlationId,
    rollbackId: rollback.rollbackId,
    occurredAt: now,
    emitter: me.principal,
    causationId: causeOf(rollback, step),
    stepId: step.step.stepId,
    system: me.system,
    round: step.round,
  }
}

function causeOf(rollback: Running, step: StepState): string {
  const last = step.step.waitsFor
    .map(id => rollback.steps.get(id)!)
    .filter(s => s.progress.status === 'verified')
    .sort((a, b) => b.changedAt - a.changedAt || (a.step.stepId < b.step.stepId ? -1 : 1))[0]
  return last
    ? eventIds.completed(rollback.rollbackId, last.step.stepId, last.round)
    : eventIds.requested(rollback.rollbackId, rollback.plan.revision)
}

/** A step with several kinds of action is repeated only as often as the strictest of them allows. */
export function strictestRetry(me: Participant, step: PlanStep): RetryPolicy {
  const policies = step.actions.map(action => me.retryOf(action.action))
  return policies.reduce(
    (a, b) => (b.attempts < a.attempts ? b : a),
    policies[0] ?? { attempts: 5, initial: 200, max: 30_000 },
  )
}
