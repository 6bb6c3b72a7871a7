import type { EscalationRaised } from '@unwind/contracts'
import { DEFAULT_STALL_OPTIONS } from '../stall/stall.js'
import { claimRound, type Watch, watches } from '../stall/watch.js'
import { type RollbackState, reopenedBy } from '../unwind/state.js'

/**
 * Only a person can say that these are dealt with: somebody wrote what they had no right to write, one person decided alone, or
 * what was restored is not as it was proven. The end of a rollback mends none of them.
 */
export const UNTIL_TAKEN: ReadonlySet<string> = new Set(['unauthorised', 'break-glass', 'anomaly'])

/**
 * Why the cause of an alarm is gone; null: it is not. An alarm stands as long as the rollback waits for the very thing that it
 * is about, so what is asked is what the watcher asks, without its clock.
 */
export function whyGone(raised: EscalationRaised, rollback: RollbackState): string | null {
  if (UNTIL_TAKEN.has(raised.kind)) return null
  if (rollback.phase === 'closed') return `the rollback ended ${rollback.closing.endState}`
  if (rollback.phase === 'denied' || (rollback.phase === 'proposed' && rollback.refused))
    return 'the rollback was denied'
  const subject = subjectOf(raised)
  if (subject === null) return null
  const { name, round, reopened } = subject
  // What stalls after an end has an alarm of its own.
  if (reopened < reopenedBy(rollback))
    return `the rollback ended, and revision ${reopenedBy(rollback)} opened it again`
  // A pause holds the steps, it mends nothing; the pause itself is watched.
  const unpaused =
    rollback.phase === 'running' && name !== 'pause' ? { ...rollback, paused: false } : rollback
  const stands = watches(unpaused, DEFAULT_STALL_OPTIONS).some(
    watch =>
      standsFor(watch, raised.kind) &&
      subjectOfWatch(watch, raised.kind) === name &&
      roundOf(watch) === round,
  )
  return stands ? null : what(raised, rollback)
}

const ALARM_ID = /^(.*)\/(\d{1,9})(?:\/r(\d{1,9}))?$/

/** What stalls, in which round and after which end, from the alarm's ID (`eventIds.escalation`). */
function subjectOf({
  escalationId,
  rollbackId,
  kind,
}: EscalationRaised): { name: string; round: number; reopened: number } | null {
  const before = `${rollbackId}/escalation/${kind}/`
  if (!escalationId.startsWith(before)) return null
  const parts = ALARM_ID.exec(escalationId.slice(before.length))
  return parts ? { name: parts[1]!, round: Number(parts[2]), reopened: Number(parts[3] ?? 1) } : null
}

function standsFor(watch: Watch, kind: string): boolean {
  switch (kind) {
    case 'stuck':
      return ['plan', 'closing', 'fence', 'step'].includes(watch.on)
    case 'not-consumed':
      // An attempt that began was consumed.
      return watch.on === 'fence' || (watch.on === 'step' && watch.step.progress.status === 'waiting')
    case 'absent':
      // A step that began says so only by its own deadline: nobody is there to end it.
      return watch.on === 'presence' || watch.on === 'step'
    case 'blocked':
      return watch.on === 'blocked' || watch.on === 'claim'
    case 'waiting-for-person':
      return ['approval', 'pause', 'gate', 'parked'].includes(watch.on)
    case 'late-action':
      return watch.on === 'late-action'
    default:
      // A kind that this version does not know stands until the rollback ends or somebody acknowledges it (I7).
      return true
  }
}

function subjectOfWatch(watch: Watch, kind: string): string {
  if (kind === 'absent' && 'step' in watch) return watch.step.step.system
  switch (watch.on) {
    case 'plan':
    case 'pause':
    case 'closing':
      return watch.on
    case 'approval':
      return `approval r${watch.revision}`
    case 'claim':
      return `claim ${watch.wait.holder}`
    case 'late-action':
      return `late ${watch.system}`
    case 'fence':
      return `fence ${watch.system}`
    case 'gate':
      return `gate ${watch.gate.gateId}`
    case 'presence':
      return watch.step.step.system
    case 'parked':
    case 'step':
    case 'blocked':
      return watch.step.step.stepId
    default:
      return watch satisfies never
  }
}

/** What is about a step is of that step's round, a claim of its turn; the rest knows no rounds. */
function roundOf(watch: Watch): number {
  if (watch.on === 'claim') return claimRound(watch.wait)
  return 'step' in watch ? watch.step.round : 0
}

function what({ stepId }: EscalationRaised, rollback: RollbackState): string {
  const step = stepId !== null && rollback.phase === 'running' ? rollback.steps.get(stepId) : undefined
  return step ? `step ${stepId} is ${step.progress.status}` : 'the rollback goes on'
}
