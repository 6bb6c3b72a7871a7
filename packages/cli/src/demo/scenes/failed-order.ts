import type { Stage } from '../stage/stage.js'
import { endOf, type Outcome, showEvents } from './outcome.js'

/** An order fails after it has touched all four systems; nobody has to do anything. */
export async function failedOrder(stage: Stage): Promise<Outcome> {
  const { screen, shop, ledger } = stage
  screen.scene('A failed order', 'it has touched all four systems, then the courier does not take the parcel')
  const { order, rollbackId } = await shop.placeFailingOrder('confirmation')
  const hide = showEvents(stage, rollbackId)
  await ledger.untilClosed(rollbackId)
  hide()
  return endOf(stage, order.orderNo, rollbackId, 'failed half-way')
}
