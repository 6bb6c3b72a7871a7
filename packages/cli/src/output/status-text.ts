import type { RollbackSummary, RollbackView, StepView } from '@unwind/client/api'
import { aftermathLines } from './aftermath-text.js'
import type { Palette, Tone } from './colour.js'
import { count } from './plan-text.js'
import { safeText } from './safe-text.js'
import { table } from './table.js'
import { formatDuration, formatTime } from './time.js'

/** What the views of the API and the summaries of a timeline have in common. */
export type Shown = Omit<
  RollbackView,
  | 'phase'
  | 'revision'
  | 'closedAt'
  | 'paused'
  | 'waitsForClaim'
  | 'denied'
  | 'approval'
  | 'incidentClass'
  | 'release'
  | 'systems'
  | 'stalls'
  | 'reviews'
> & {
  readonly phase: string
} & Partial<Pick<RollbackView, 'paused' | 'waitsForClaim' | 'denied' | 'approval' | 'stalls' | 'reviews'>>

/** A rollback as a timeline sums it up, with what was planned beside what happened. */
export function ofSummary(correlationId: string, summary: RollbackSummary): Shown {
  return {
    ...summary,
    correlationId,
    steps: summary.steps.map(({ stepId, system, planned, actual }) => ({
      stepId,
      system,
      ...planned,
      ...actual,
      round: 0,
      message: actual.inOrder === false ? 'started before what it waits for had settled' : null,
    })),
  }
}

/** Where a rollback stands: one headline, a row a step, and what is left to do. */
export function statusText(view: Shown, palette: Palette): string {
  const { rollbackId, correlationId, steps } = view
  const headline = `${palette.tone(toneOf(view), view.end ?? stateOf(view))}  ${palette.bold(safeText(correlationId))}  ${palette.tone('dim', safeText(rollbackId))}`
  const facts = [
    view.reason === null ? null : `reason: ${safeText(view.reason)}`,
    view.proposedBy === null ? null : `proposed by ${safeText(view.proposedBy)}`,
    view.durationMs === null
      ? null
      : `${view.phase === 'closed' ? 'took' : 'for'} ${formatDuration(view.durationMs)}`,
    view.paused ? 'paused' : null,
    view.expected > 0 ? `${view.restored} of ${count(view.expected, 'item')} restored` : null,
  ]
  const parts = [headline, palette.tone('dim', facts.filter(fact => fact !== null).join(', '))]
  if (steps.length > 0)
    parts.push(
      '',
      table(
        ['tier', 'step', 'status', 'restored', 'tries', 'started', 'took', 'waits for'],
        steps.map(step => stepRow(step, palette)),
        palette,
      ).trimEnd(),
    )
  const notes = [
    ...steps.filter(step => step.message !== null).map(step => stepMessage(step, palette)),
    ...view.remaining.map(line => `${palette.tone('bad', 'remaining:')} ${safeText(line)}`),
    ...view.refusals.map(line => `${palette.tone('warn', 'refused:')} ${safeText(line)}`),
    ...view.openEscalations.map(id => `${palette.tone('bad', 'open escalation:')} ${safeText(id)}`),
    ...(view.reviews ?? []).map(
      ({ by, reason, reviewedBy }) =>
        `${palette.tone(reviewedBy === null ? 'bad' : 'info', 'glass broken:')} by ${safeText(by)}: ${safeText(reason)} (${reviewedBy === null ? 'its review is open' : `reviewed by ${safeText(reviewedBy)}`})`,
    ),
    ...aftermathLines(view, palette),
    ...(view.waitsForClaim
      ? [`${palette.tone('warn', 'waits-for-claim:')} ${safeText(view.waitsForClaim.message)}`]
      : []),
    ...(view.denied ? [`${palette.tone('bad', 'denied:')} ${safeText(view.denied)}`] : []),
    ...hints(view).map(hint => `${palette.tone('info', 'next:')} ${hint}`),
  ]
  if (notes.length > 0) parts.push('', ...notes)
  return `${parts.join('\n')}\n`
}

function stepMessage({ stepId, system, status, message }: StepView, palette: Palette): string {
  const tone = STATUS_TONE[status] ?? 'plain'
  return `${palette.system(system, safeText(stepId))} ${palette.tone(tone, status)}: ${safeText(message ?? '')}`
}

/** One word, as scripts and people know it. */
export function stateOf({ phase, endState }: Pick<Shown, 'phase' | 'endState'>): string {
  return endState ?? phase
}

export function toneOf({
  phase,
  endState,
  steps = [],
  anomalies = [],
}: Pick<Shown, 'phase' | 'endState'> & Partial<Pick<Shown, 'steps' | 'anomalies'>>): Tone {
  if (anomalies.some(anomaly => !anomaly.past)) return 'bad'
  if (endState === 'RESTORED_VERIFIED') return 'good'
  if (endState !== null || phase === 'denied') return 'bad'
  if (phase === 'awaiting-approval' || steps.some(step => step.status === 'parked')) return 'warn'
  return 'info'
}

function stepRow(step: StepView, palette: Palette): string[] {
  const { stepId, system, tier, status, outcome, restored, expected, attempts, startedAt, durationMs } = step
  const said = outcome === null ? status : `${status} (${safeText(outcome)})`
  return [
    String(tier),
    palette.system(system, safeText(stepId)),
    palette.tone(STATUS_TONE[status] ?? 'plain', said),
    restored === null || expected === null ? '-' : `${restored}/${expected}`,
    attempts === 0 ? '-' : String(attempts),
    startedAt === null ? '-' : formatTime(startedAt),
    durationMs === null ? '-' : formatDuration(durationMs),
    safeText(step.waitsFor.join(', ')) || '-',
  ]
}

const STATUS_TONE: Readonly<Record<string, Tone>> = {
  verified: 'good',
  skipped: 'warn',
  resolved: 'warn',
  parked: 'bad',
  failed: 'bad',
  retrying: 'warn',
  started: 'info',
  waiting: 'dim',
}

/** What a person may do now. */
function hints({ phase, rollbackId, steps, approval }: Shown): string[] {
  if (phase === 'awaiting-approval') {
    const given = approval ? ` (${approval.given.length} of ${approval.required} given)` : ''
    return [`unwind approve ${rollbackId} --reason …${given}`]
  }
  if (phase !== 'running') return []
  return steps
    .filter(step => step.status === 'parked')
    .map(
      step => `unwind resolve ${rollbackId} --step ${step.stepId} --take keep|force|merge|manual --reason …`,
    )
}
