import { formatDuration } from '../planning/explain.js'
import { isoTime } from '../timeline/time.js'
import type { RollbackState, StepState } from '../unwind/state.js'
import type { Stall, StallFacts, StallOptions, SystemFacts } from './stall.js'
import { claimRound, type Watch } from './watch.js'

/** A stall before it is known who owns the system. */
export type Diagnosis = Omit<Stall, 'owner'>

const UNKNOWN: SystemFacts = { announcedAt: null, lag: null, members: null, membersSeenAt: null }
const NOBODY = { round: 0, stepId: null, system: null, blockedBy: [] } as const

/** What it means that a watched moment has passed. Null: nothing, e.g. because the sidecar is there after all. */
export function diagnose(
  state: RollbackState,
  watch: Watch,
  facts: StallFacts,
  options: StallOptions,
): Diagnosis | null {
  const { dueAt } = watch
  switch (watch.on) {
    case 'plan':
      return {
        ...NOBODY,
        kind: 'stuck',
        severity: 'critical',
        subject: 'plan',
        dueAt,
        message: 'it was proposed, and no coordinator has planned it',
        hint: "look into the coordinators' logs, and whether they consume the ledger",
      }
    case 'approval':
      return {
        ...NOBODY,
        kind: 'waiting-for-person',
        severity: 'warning',
        subject: `approval r${watch.revision}`,
        dueAt,
        message: `revision ${watch.revision} has ${watch.given} of ${watch.required} approvals`,
        hint: `unwind approve ${state.rollbackId}, or unwind deny ${state.rollbackId}`,
      }
    case 'claim':
      return {
        ...NOBODY,
        round: claimRound(watch.wait),
        kind: 'blocked',
        severity: 'warning',
        subject: `claim ${watch.wait.holder}`,
        dueAt,
        message: `it has not begun since ${isoTime(watch.wait.since)}: ${watch.wait.message}`,
        hint: `see to rollback ${watch.wait.holder} first: unwind status ${watch.wait.holder}`,
      }
    case 'pause':
      return {
        ...NOBODY,
        kind: 'waiting-for-person',
        severity: 'warning',
        subject: 'pause',
        dueAt,
        message: 'it is paused, and nobody has resumed it',
        hint: `unwind resume ${state.rollbackId}, or unwind abort ${state.rollbackId}`,
      }
    case 'closing':
      return {
        ...NOBODY,
        kind: 'stuck',
        severity: 'warning',
        subject: 'closing',
        dueAt,
        message: 'nothing is left to do, and no coordinator has closed it',
        hint: "look into the coordinators' logs",
      }
    case 'late-action':
      return {
        ...NOBODY,
        kind: 'late-action',
        severity: 'critical',
        subject: `late ${watch.system}`,
        system: watch.system,
        dueAt,
        message: `${watch.system} found ${watch.actions.length} actions that no revision names: ${watch.actions.join(', ')}`,
        hint: 'the coordinator has to supplement the plan: look into its log, and whether the revision waits for approval',
      }
    case 'fence':
      return fence(watch.system, dueAt, facts, options)
    case 'gate':
      return {
        ...about(watch.step),
        kind: 'waiting-for-person',
        severity: 'warning',
        subject: `gate ${watch.gate.gateId}`,
        dueAt,
        message: `gate ${watch.gate.gateId} waits for a person to open it before step ${watch.step.step.stepId}`,
        hint: `look at what was undone so far, then open gate ${watch.gate.gateId}`,
      }
    case 'parked':
      return parked(state, watch.step, dueAt)
    case 'step':
      return onStep(watch.step, watch.since, dueAt, facts, options)
    case 'blocked':
      return {
        ...about(watch.step),
        kind: 'blocked',
        severity: 'warning',
        blockedBy: watch.by,
        dueAt,
        message: `step ${watch.step.step.stepId} is blocked by ${watch.by.join(', ')}; nothing is wrong with ${watch.step.step.system} itself`,
        hint: `see to ${watch.by.join(', ')} first`,
      }
    case 'presence':
      return presence(watch.step, dueAt, facts, options)
    default:
      return watch satisfies never
  }
}

function about({ step, round }: StepState) {
  return { subject: step.stepId, round, stepId: step.stepId, system: step.system, blockedBy: [] }
}

function fence(system: string, dueAt: number, facts: StallFacts, options: StallOptions): Diagnosis | null {
  const kind = whySilent(system, facts, options)
  // Said by its presence, once.
  if (kind === 'absent') return null
  return {
    ...NOBODY,
    kind,
    severity: 'critical',
    subject: `fence ${system}`,
    system,
    dueAt,
    message: `${system} has not said that its fence stands, and no step starts before every fence does`,
    hint: `look at the sidecar of ${system} and whether it reaches its target`,
  }
}

/** Why a system that was to speak is silent: nobody is there, it has not read the ledger, or it has and does nothing. */
function whySilent(system: string, facts: StallFacts, options: StallOptions) {
  const known = facts.systems.get(system) ?? UNKNOWN
  return isAbsent(known, facts.now, options) ? 'absent' : known.lag === 0 ? 'stuck' : 'not-consumed'
}

/** No look saw anybody for longer than a restart takes; or nobody ever announced itself, where nobody can look. */
function isAbsent(known: SystemFacts, now: number, options: StallOptions): boolean {
  if (known.members !== null && known.members > 0) return false
  if (known.members === null) return known.announcedAt === null
  const seen = Math.max(known.membersSeenAt ?? 0, known.announcedAt ?? 0)
  return now >= seen + options.absentAfterMs
}

function presence(
  step: StepState,
  dueAt: number,
  facts: StallFacts,
  options: StallOptions,
): Diagnosis | null {
  const { system, stepId } = step.step
  const known = facts.systems.get(system) ?? UNKNOWN
  if (!isAbsent(known, facts.now, options)) return null
  const seen = known.membersSeenAt ?? known.announcedAt
  return {
    ...about(step),
    // One alarm a system, however many steps it has.
    subject: system,
    kind: 'absent',
    severity: 'critical',
    dueAt,
    message: `no sidecar acts for ${system}, so step ${stepId} cannot run; ${seen === null ? 'none was ever seen' : `one was last seen at ${isoTime(seen)}`}`,
    hint: `start a sidecar for ${system}: unwind sidecar`,
  }
}

function parked(state: RollbackState, step: StepState, dueAt: number): Diagnosis {
  const { progress } = step
  const { stepId } = step.step
  const why = progress.status === 'parked' ? `${progress.code}: ${progress.message}` : 'no reason is known'
  return {
    ...about(step),
    kind: 'waiting-for-person',
    severity: 'critical',
    dueAt,
    message: `step ${stepId} is parked, ${why}`,
    hint: `unwind retry, resolve or skip ${state.rollbackId} ${stepId}`,
  }
}

function onStep(
  step: StepState,
  since: number,
  dueAt: number,
  facts: StallFacts,
  options: StallOptions,
): Diagnosis | null {
  const { stepId, system, deadlineMs } = step.step
  const late = `${formatDuration(deadlineMs)} after it was ready (${isoTime(since)})`
  const base = { ...about(step), severity: 'critical', dueAt } as const
  const kind = whySilent(system, facts, options)
  if (kind === 'absent') return presence(step, dueAt, facts, options)
  if (step.progress.status === 'waiting') {
    const { lag } = facts.systems.get(system) ?? UNKNOWN
    if (kind === 'stuck')
      return {
        ...base,
        kind,
        message: `step ${stepId} has not started ${late}, though the sidecar of ${system} has read the ledger`,
        hint: `look into the log of the sidecar of ${system}: it may have refused the request`,
      }
    return {
      ...base,
      kind,
      message: `step ${stepId} has not started ${late}; the sidecar of ${system} ${lag === null ? 'has shown no sign of reading the ledger' : `is ${lag} records behind`}`,
      hint: `look whether the sidecar of ${system} is up and consumes the ledger`,
    }
  }
  return {
    ...base,
    kind: 'stuck',
    message: `step ${stepId} has not settled ${late}: ${progressText(step)}`,
    hint: `look into the log of the sidecar of ${system} and into its target`,
  }
}

function progressText({ progress }: StepState): string {
  switch (progress.status) {
    case 'started':
      return `attempt ${progress.attempt} began at ${isoTime(progress.startedAt)} and has no outcome`
    case 'retrying':
      return `attempt ${progress.attempt} failed (${progress.code}), the next one begins at ${isoTime(progress.retryAt)}`
    case 'failed':
      return `attempt ${progress.attempt} failed (${progress.code}: ${progress.message}) and was not parked`
    default:
      return `it is ${progress.status}`
  }
}
