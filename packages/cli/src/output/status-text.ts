import type { RollbackView, StepRow } from '@unwind/client/api'
import type { Palette, Tone } from './colour.js'
import { count } from './plan-text.js'
import { safeText } from './safe-text.js'
import { table } from './table.js'
import { formatDuration, formatTime } from './time.js'

/** Where a rollback stands: one headline, a row a step, and what is left to do. */
export function statusText(view: RollbackView, palette: Palette): string {
  const { rollbackId, correlationId, steps } = view
  const headline = `${palette.tone(toneOf(view), stateOf(view))}  ${palette.bold(safeText(correlationId))}  ${palette.tone('dim', safeText(rollbackId))}`
  const facts = [
    view.reason === null ? null : `reason: ${safeText(view.reason)}`,
    view.proposedBy === null ? null : `proposed by ${safeText(view.proposedBy)}`,
    view.durationMs === null ? null : `${view.phase === 'closed' ? 'took' : 'for'} ${formatDuration(view.durationMs)}`,
    view.expected > 0 ? `${view.restored} of ${count(view.expected, 'item')} restored` : null,
  ]
  const parts = [headline, palette.tone('dim', facts.filter(fact => fact !== null).join(', ')), '']
  if (steps.length > 0)
    parts.push(
      table(
        ['tier', 'step', 'status', 'restored', 'attempts', 'started', 'took', 'waits for'],
        steps.map(step => stepRow(step, palette)),
        palette,
      ).trimEnd(),
    )
  const notes = [
    ...view.remaining.map(line => palette.tone('bad', `remaining: ${safeText(line)}`)),
    ...view.refusals.map(line => palette.tone('warn', `refused: ${safeText(line)}`)),
    ...view.openEscalations.map(id => palette.tone('bad', `open escalation: ${safeText(id)}`)),
    ...hints(view),
  ]
  if (notes.length > 0) parts.push('', ...notes)
  return `${parts.join('\n')}\n`
}

/** One word, as scripts and people know it. */
export function stateOf({ phase, endState }: Pick<RollbackView, 'phase' | 'endState'>): string {
  return endState ?? phase
}

export function toneOf({ phase, endState, steps }: RollbackView): Tone {
  if (endState === 'RESTORED_VERIFIED') return 'good'
  if (endState !== null || phase === 'denied') return 'bad'
  if (phase === 'awaiting-approval' || steps.some(step => step.actual.status === 'parked')) return 'warn'
  return 'info'
}

function stepRow({ stepId, system, planned, actual }: StepRow, palette: Palette): string[] {
  const { status, outcome, restored, expected, attempts, startedAt, durationMs } = actual
  const said = outcome === null ? status : `${status} (${safeText(outcome)})`
  const late = actual.inOrder === false ? palette.tone('bad', ' OUT OF ORDER') : ''
  return [
    String(planned.tier),
    palette.system(system, safeText(stepId)),
    palette.tone(STATUS_TONE[status] ?? 'plain', said) + late,
    restored === null || expected === null ? '-' : `${restored}/${expected}`,
    attempts === 0 ? '-' : String(attempts),
    startedAt === null ? '-' : formatTime(startedAt),
    durationMs === null ? '-' : formatDuration(durationMs),
    safeText(planned.waitsFor.join(', ')) || '-',
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
function hints({ phase, rollbackId, steps }: RollbackView): string[] {
  if (phase === 'awaiting-approval')
    return [`Look at it with "unwind plan", then: unwind approve ${rollbackId} --reason …`]
  if (phase !== 'running') return []
  return steps
    .filter(step => step.actual.status === 'parked')
    .map(step => `Step ${step.stepId} waits for a person: unwind resolve ${rollbackId} --step ${step.stepId} --take keep|force|merge|manual --reason …`)
}
