import type { AnomalyRow, ReconciliationRow } from '@unwind/client/api'
import type { Palette } from './colour.js'
import { safeText } from './safe-text.js'
import { formatTime } from './time.js'

interface Shown {
  readonly reconciliations: readonly ReconciliationRow[]
  readonly anomalies: readonly AnomalyRow[]
}

/** What came after the end of a rollback: a line a look, then what did not fit. */
export function aftermathLines({ reconciliations, anomalies }: Shown, palette: Palette): string[] {
  return [
    ...reconciliations.flatMap(row => reconciliationLines(row, palette)),
    ...anomalies.filter(anomaly => !anomaly.past).flatMap(anomaly => anomalyLines(anomaly, palette)),
  ]
}

/** One look: the fidelity then, what drifted, and who has not answered. */
export function reconciliationLines(row: ReconciliationRow, palette: Palette): string[] {
  const { answers, systems } = row
  const restored = answers.reduce((sum, answer) => sum + answer.restored, 0)
  const expected = answers.reduce((sum, answer) => sum + answer.expected, 0)
  const missing = missingOf(row)
  const waits = missing.length === 0 ? '' : `, no answer yet from ${missing.map(safeText).join(', ')}`
  const tone = missing.length > 0 ? 'warn' : isAsLeft(row) ? 'good' : 'bad'
  const who = systems.length === 0 ? 'nothing to probe' : `${restored} of ${expected} items restored`
  const line = `${palette.tone(tone, 'probed again:')} ${formatTime(row.at)} ${who}${waits} (${safeText(row.requestedBy)})`
  const details = answers.flatMap(({ system, drift, unread, findings }) =>
    [
      ...drift.map(text => `${palette.tone('bad', 'drifted')} ${safeText(text)}`),
      ...unread.map(text => `${palette.tone('warn', 'not read')} ${safeText(text)}`),
      ...findings.map(text => `${palette.tone('bad', 'found')} ${safeText(text)}`),
    ].map(text => `  ${palette.system(system, safeText(system))} ${text}`),
  )
  return [line, ...details]
}

/** Every system has answered, read everything, and found it as the rollback left it. Never green by default. */
export function isAsLeft(row: ReconciliationRow): boolean {
  return (
    row.systems.length > 0 &&
    missingOf(row).length === 0 &&
    row.answers.every(answer =>
      [answer.drifted, answer.unread, answer.findings].every(list => list.length === 0),
    )
  )
}

export function missingOf({ systems, answers }: ReconciliationRow): readonly string[] {
  return systems.filter(system => !answers.some(answer => answer.system === system))
}

function anomalyLines({ kind, system, message, proposal }: AnomalyRow, palette: Palette): string[] {
  const line = `${palette.tone('bad', `anomaly, ${safeText(kind)}:`)} ${palette.system(system, safeText(system))} ${safeText(message)}`
  return proposal === null
    ? [line]
    : [
        line,
        `${palette.tone('info', 'proposed:')} ${safeText(proposal.description)}: ${safeText(proposal.command)}`,
      ]
}
