import type { DryRun, PlanExplanation, PolicyDecision } from '@unwind/client/api'
import { blastRadiusText } from './blast-radius-text.js'
import type { Palette } from './colour.js'
import { safeText } from './safe-text.js'
import { table } from './table.js'

/** A dry run: rows by tier, blast radius, what cannot be undone, what the policy says. */
export function planText(dryRun: DryRun, palette: Palette): string {
  const radius = blastRadiusText(dryRun.blastRadius, palette)
  return `${planRowsText(dryRun.correlationId, dryRun, palette)}${radius}\n${policyText(dryRun.policy, palette)}\n`
}

/** @param subject whose plan it is. */
export function planRowsText(subject: string, plan: PlanExplanation, palette: Palette): string {
  const { rows, surfaced, totals } = plan
  const name = palette.bold(safeText(subject))
  if (rows.length === 0 && surfaced.length === 0)
    return `${name}: no system holds a recorded action; there is nothing to undo.\n`
  const steps = rows.map(row => [
    String(row.tier),
    row.stepId === row.system
      ? palette.system(safeText(row.system))
      : `${palette.system(safeText(row.system))} (${safeText(row.stepId)})`,
    safeText(row.undoes.join(', ')),
    safeText(row.waitsFor.join(', ')) || '-',
    safeText([row.gate, row.tandem && `tandem ${row.tandem}`].filter(Boolean).join('; ')) || '-',
    row.deadline,
  ])
  const gates = totals.gates ? `, ${count(totals.gates, 'gate')}` : ''
  const parts = [
    `${name}: ${count(totals.systems, 'system')}, ${count(totals.actions, 'action')} to undo in ${count(totals.steps, 'step')} and ${count(totals.tiers, 'tier')}${gates}`,
    ...(plan.part === null ? [] : [palette.tone('warn', `Partial: only ${safeText(plan.part)}`)]),
    '',
    table(
      ['tier', 'system', 'undoes, in this order', 'waits for', 'gate', 'deadline'],
      steps,
      palette,
    ).trimEnd(),
  ]
  if (surfaced.length > 0) {
    const left = surfaced.map(row => [
      palette.system(safeText(row.system)),
      safeText(row.action),
      palette.tone('bad', safeText(row.code)),
      safeText(row.message),
    ])
    parts.push(
      '',
      palette.tone(
        'bad',
        `${count(surfaced.length, 'action')} cannot be undone; the rollback will not end green:`,
      ),
      table(['system', 'action', 'code', 'why'], left, palette).trimEnd(),
    )
  }
  if (plan.left.length > 0) {
    const left = plan.left.map(item => [
      palette.system(safeText(item.system)),
      safeText(item.resource === null ? item.action : `${item.action} ${item.resource}`),
      safeText(item.because),
    ])
    parts.push(
      '',
      palette.tone(
        'bad',
        `${count(left.length, 'action')} outside this part ${left.length === 1 ? 'builds' : 'build'} on it and would stay as they are:`,
      ),
      table(['system', 'action', 'why'], left, palette).trimEnd(),
    )
  }
  return `${parts.join('\n')}\n`
}

export function policyText(policy: PolicyDecision, palette: Palette): string {
  const because = safeText(policy.because.join('; '))
  switch (policy.decision) {
    case 'pre-approved':
      return `${palette.tone('good', 'Pre-approved')}: ${because}`
    case 'needs-approval':
      return `${palette.tone('warn', `Needs ${count(policy.required, 'approval')}`)} from ${safeText(policy.approvers.join(' or '))}: ${because}`
    case 'refused':
      return `${palette.tone('bad', 'Refused')}: ${because}`
    default:
      return policy satisfies never
  }
}

/** "1 step", "2 steps". */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
