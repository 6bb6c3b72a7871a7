import type { FieldDifference } from '@unwind/contracts'
import { formatDuration, formatTime } from '../time.js'
import { count, type Describers, speaker } from './description.js'

/** What the systems did, and how it ended. */
export const describeSteps: Describers<
  | 'CompensationStarted'
  | 'CompensationCompleted'
  | 'CompensationFailed'
  | 'StepParked'
  | 'SystemFenced'
  | 'LateActionDetected'
  | 'ReconciliationReported'
  | 'EscalationRaised'
  | 'RollbackClosed'
> = {
  CompensationStarted: ({ system, stepId, attempt, round }) => ({
    who: system,
    verb: 'started',
    text: `step ${stepId}, ${attemptText(attempt, round)}`,
    tone: 'plain',
  }),
  CompensationCompleted: ({ system, stepId, outcome, restored, expected, durationMs, probe, notes }) => ({
    who: system,
    verb: 'verified',
    text: [
      `step ${stepId}: ${outcome}, ${restored} of ${count(expected, 'item')} restored in ${formatDuration(durationMs)}, seen by ${probe}`,
      ...notes,
    ].join('; '),
    tone: restored >= expected ? 'good' : 'warn',
  }),
  CompensationFailed: ({ system, stepId, attempt, round, code, message, hint, retryAt }) => ({
    who: system,
    verb: 'failed',
    text: `step ${stepId}, ${attemptText(attempt, round)}: ${code}: ${message}; ${retryAt === null ? `next: ${hint}` : `again at ${formatTime(retryAt)}`}`,
    tone: retryAt === null ? 'bad' : 'warn',
  }),
  StepParked: ({ system, stepId, code, message, hint, differences }) => ({
    who: system,
    verb: 'parked',
    text: `step ${stepId}: ${code}: ${message}${differencesText(differences)}; next: ${hint}`,
    tone: 'bad',
  }),
  SystemFenced: ({ system, revision }) => ({
    who: system,
    verb: 'fenced',
    text: `late actions can no longer pass unnoticed (revision ${revision})`,
    tone: 'plain',
  }),
  LateActionDetected: ({ system, actions, detectedBy }) => ({
    who: system,
    verb: 'late-action',
    text: `${count(actions.length, 'action')} that no plan names, found by ${detectedBy}: ${actions.map(a => `${a.action} (${a.actionId})`).join(', ')}`,
    tone: 'warn',
  }),
  ReconciliationReported: ({ emitter, results, requestedBy }) => {
    const drifted = results.filter(result => result.drift.length > 0)
    const rows = drifted.map(result => `${result.system}: ${result.drift.join(', ')}`)
    return {
      who: speaker(emitter),
      verb: 'reconciled',
      text: `${count(results.length, 'step')} for ${requestedBy}: ${rows.length ? `drift: ${rows.join('; ')}` : 'no drift'}`,
      tone: rows.length ? 'warn' : 'good',
    }
  },
  EscalationRaised: ({ emitter, system, severity, kind, stepId, message, hint, owner }) => ({
    who: system ?? speaker(emitter),
    verb: 'escalation',
    text: `${severity}, ${kind}${stepId ? `, step ${stepId}` : ''}: ${message}; next: ${hint}${owner ? `; owner: ${owner}` : ''}`,
    tone: 'bad',
  }),
  RollbackClosed: ({ emitter, endState, restored, expected, durationMs, remaining }) => ({
    who: speaker(emitter),
    verb: 'closed',
    text: `${endState}, ${restored} of ${count(expected, 'item')} restored in ${formatDuration(durationMs)}${remaining.length ? `; remaining: ${remaining.join('; ')}` : ''}`,
    tone: endState === 'RESTORED_VERIFIED' ? 'good' : 'bad',
  }),
}

function attemptText(attempt: number, round: number): string {
  return round === 0 ? `attempt ${attempt}` : `attempt ${attempt} of round ${round}`
}

/** More than a few would hide the line that says what to do; `status` shows them all. */
const DIFFERENCES_SHOWN = 3

function differencesText(differences: readonly FieldDifference[]): string {
  if (differences.length === 0) return ''
  const shown = differences.slice(0, DIFFERENCES_SHOWN).map(differenceText)
  const more = differences.length - shown.length
  return ` [${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}]`
}

/** "stock[id=7] qty: was 5, the action left 3, now 4". */
export function differenceText(d: FieldDifference): string {
  const name = d.field ? `${d.item} ${d.field}` : d.item
  return `${name}: was ${d.before ?? 'absent'}, the action left ${d.after ?? 'absent'}, now ${d.current ?? 'absent'}`
}
