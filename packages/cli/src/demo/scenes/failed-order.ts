import type { Stage } from '../stage/stage.js'
import { endOf, type Outcome, showEvents } from './outcome.js'

/** An order fails after it has touched all four systems; nobody has to do anything. */
export async function failedOrder(stage: Stage): Promise<Outcome> {
  const { screen, shop, ledger } = stage
  screen.scene('A failed order', 'it has touched all four systems, then the courier does not take the parcel')
  const { order, rollbackId } = await shop.placeFailingOrder('confirmation')
  const hide = showEvents(stage, rollbackId, 'start')
  await ledger.untilClosed(rollbackId)
  hide()
  const outcome = await endOf(stage, order.orderNo, rollbackId, 'failed half-way')
  // Which of the two it is depends on a few milliseconds, as in a real shop.
  if (ledger.recordsOf(rollbackId).some(({ event }) => event.type === 'LateActionDetected'))
    screen.note(
      'The proposal overtook the capture: each system looked into its own undo log, and the plan grew.',
    )
  return outcome
}
