import type { EventOf, FieldDifference } from '@unwind/contracts'
import { safeText } from '../../output/safe-text.js'
import { table } from '../../output/table.js'
import type { Stage } from '../stage/stage.js'
import type { Screen } from '../text/screen.js'
import { endOf, type Outcome, showEvents } from './outcome.js'

const OPERATOR = 'user:ana'

/** Somebody has written to the order since: Unwind stops there, shows the difference, and a person decides. */
export async function conflict(stage: Stage): Promise<Outcome> {
  const { screen, shop, ledger } = stage
  screen.scene(
    'A later write',
    'customer service corrects the address of a failed order, before it is rolled back',
  )
  const { order, failedAt, reason } = await shop.breakOrder('confirmation')
  await shop.laterWrite(order)
  const { rollbackId } = await stage.propose(
    order.orderNo,
    `${order.orderNo} failed at ${failedAt}: ${reason}`,
  )
  const hide = showEvents(stage, rollbackId, 'start')
  const parked = await ledger.until(
    `rollback ${rollbackId} meets the later write`,
    rollbackId,
    e => e.type === 'StepParked',
  )
  // The branch that does not depend on the parked step goes on by itself.
  await ledger.until(
    `stock of ${order.orderNo} is undone`,
    rollbackId,
    e => e.type === 'CompensationCompleted' && e.data.stepId === 'stock',
  )
  hide()
  const { stepId, differences } = (parked.event as EventOf<'StepParked'>).data
  screen.blank()
  screen.say(
    `Newer data is never overwritten silently. Step ${stepId} waits for a person, with the difference:`,
  )
  screen.say(differenceTable(differences, screen))
  const why = 'the order is void, its address too'
  screen.command(`unwind resolve ${rollbackId} --step ${stepId} --take force \\`)
  screen.say(`    --as ${OPERATOR} --reason "${why}"`)
  const hideAgain = showEvents(stage, rollbackId, 'now')
  await stage.unwind([
    'resolve',
    rollbackId,
    '--step',
    stepId,
    '--take',
    'force',
    '--as',
    OPERATOR,
    '--reason',
    why,
  ])
  await ledger.untilClosed(rollbackId)
  hideAgain()
  const undone = ledger
    .recordsOf(rollbackId)
    .findLast(({ event }) => event.type === 'CompensationCompleted' && event.data.stepId === stepId)
  const { notes } = (undone?.event as EventOf<'CompensationCompleted'> | undefined)?.data ?? { notes: [] }
  screen.note(`The ledger says who chose that, and what it cost: ${notes[0] ?? 'nothing'}.`)
  return endOf(stage, order.orderNo, rollbackId, `conflict; ${OPERATOR} decided`)
}

function differenceTable(differences: readonly FieldDifference[], { palette }: Screen): string {
  const shown = (value: string | null) => (value === null ? '-' : safeText(value))
  return table(
    ['field', 'the order left', 'now there is'],
    differences.map(({ item, field, after, current }) => [
      safeText(field === '' ? item : `${item} ${field}`),
      palette.tone('dim', shown(after)),
      palette.tone('warn', shown(current)),
    ]),
    palette,
  )
}
