import { table } from '../../output/table.js'
import { formatDuration } from '../../output/time.js'
import type { ExitName } from '../../shell/exit-codes.js'
import type { Stage } from '../stage/stage.js'
import { sayLedgerOf } from '../text/ledger-text.js'
import { endStateTone, type Screen } from '../text/screen.js'
import { effectsText, type Outcome } from './outcome.js'

export interface Outcomes {
  /** Those that the shop proposed during the traffic. */
  readonly background: readonly Outcome[]
  readonly featured: readonly Outcome[]
}

/** All in one table, then the words of somebody who does not know Unwind: the shop adds up its own systems. */
export async function conclude(stage: Stage, { background, featured }: Outcomes): Promise<ExitName> {
  const { screen, shop, ledger } = stage
  screen.scene('The result', 'what the ledger says, and what the systems themselves say')
  screen.say(summaryTable(background, featured, screen))
  const outcomes = [...background, ...featured]
  const allGood = outcomes.every(outcome => outcome.ok)
  const { orders, complete, absent, torn, problems } = await shop.checkConsistency()
  const added = torn.length === 0 && problems.length === 0 && absent === outcomes.length
  screen.blank()
  screen.verdict(
    allGood,
    `${outcomes.filter(outcome => outcome.ok).length} of ${outcomes.length} rollbacks came out as they should, each step with exactly one effect`,
  )
  screen.verdict(
    added,
    `the shop adds up its four systems: ${orders.length} orders, ${complete} complete, ${absent} absent, ${torn.length} torn; ${problems.length === 0 ? 'all totals fit' : `${problems.length} totals do not fit`}`,
  )
  for (const { orderNo, problems: why } of torn) screen.verdict(false, `${orderNo}: ${why.join('; ')}`)
  for (const problem of problems) screen.verdict(false, problem)
  for (const { ok, summary } of outcomes) if (!ok) sayLedgerOf(stage, summary.rollbackId)
  const honest = ledger.distrusted.length === 0
  screen.verdict(
    honest,
    `${ledger.trusted} events in the ledger, every signature and every authority checked`,
  )
  for (const problem of ledger.distrusted) screen.verdict(false, problem)
  return allGood && added && honest ? 'ok' : 'failure'
}

function summaryTable(
  background: readonly Outcome[],
  featured: readonly Outcome[],
  { palette }: Screen,
): string {
  const head = ['rollback of', 'what was special', 'end state', 'steps', 'fidelity', 'took', 'effects']
  const rows = featured.map(({ orderNo, story, summary, effects }) => [
    palette.bold(orderNo),
    story,
    palette.tone(endStateTone(summary.endState), summary.endState ?? 'open'),
    String(summary.steps.length),
    `${summary.restored}/${summary.expected}`,
    formatDuration(summary.durationMs ?? 0),
    effectsText(effects),
  ])
  const took = background.map(({ summary }) => summary.durationMs ?? 0).sort((a, b) => a - b)
  const green = background.filter(({ summary }) => summary.endState === 'RESTORED_VERIFIED').length
  const sum = (figure: (outcome: Outcome) => number) =>
    background.reduce((total, one) => total + figure(one), 0)
  const others = [
    `${background.length} others`,
    'during the traffic',
    palette.tone(
      green === background.length ? 'good' : 'bad',
      green === background.length ? 'RESTORED_VERIFIED' : `${green} RESTORED_VERIFIED`,
    ),
    String(sum(({ summary }) => summary.steps.length)),
    `${sum(({ summary }) => summary.restored)}/${sum(({ summary }) => summary.expected)}`,
    `~${formatDuration(took[Math.floor(took.length / 2)] ?? 0)}`,
    background.every(({ ok }) => ok) ? '1 a step' : 'see above',
  ]
  return `${table(head, [...rows, others], palette)}${palette.tone('dim', 'effects: loyalty · payments · orders · stock')}`
}
