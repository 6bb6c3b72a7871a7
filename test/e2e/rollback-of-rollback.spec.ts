import { createHash } from 'node:crypto'
import type { ApiClient } from '@unwind/client/api'
import { type EventOf, thawPlan } from '@unwind/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { paymentContract } from '../support/payment-provider.js'
import { loaded, Site } from '../support/site.js'
import { MiniShop, SHOP_SYSTEMS } from './shop.js'

/** How the provider is made to take a payment again that a rollback gave back. */
const AGAIN = {
  retry: { attempts: 8, initial: '100ms', max: '500ms' },
  undo: {
    method: 'POST',
    path: '/payments/{paymentId}/captures',
    body: { amount: '{amount}' },
    expect: { '/status': 'refunded' },
  },
  probe: { path: '/payments/{paymentId}', expect: { '/status': 'captured' }, within: '100ms' },
}

let site: Site
let shop: MiniShop
let api: ApiClient

beforeAll(async () => {
  site = await Site.open(SHOP_SYSTEMS)
  shop = await MiniShop.open(site)
  const contract = paymentContract('payments', shop.payments.url, ['orders'])
  const payments = { ...contract, actions: { ...contract.actions, 'undo.payment.captured': AGAIN } }
  await Promise.all([
    site.sidecar(shop.contracts.orders),
    site.sidecar(shop.contracts.stock),
    site.sidecar(loaded(payments)),
  ])
  api = (await site.coordinator()).api
})
afterAll(() => site?.close())

/** What the owners of the three systems see of an order, as one digest. How often the provider paid back is its own history. */
async function digest(order: string): Promise<string> {
  const { refunds: _, ...state } = await shop.state(order)
  return createHash('sha256')
    .update(JSON.stringify([state, await shop.spent()]))
    .digest('hex')
}

async function rollBack(correlationId: string) {
  const { rollbackId } = await api.propose({ correlationId, reason: 'try it', actor: 'user:ana' })
  return { rollbackId, end: await site.closed(rollbackId) }
}

const completed = (rollbackId: string) =>
  site.world
    .of(rollbackId)
    .filter((e): e is EventOf<'CompensationCompleted'> => e.type === 'CompensationCompleted')
    .map(e => e.data.system)

it('a mistaken rollback is rolled back: do, undo, undo the undo, and all three systems are as they were', async () => {
  const order = await shop.buy()
  const done = await digest(order)

  const first = await rollBack(order)
  expect(first.end).toMatchObject({ endState: 'RESTORED_VERIFIED', restored: 4, expected: 4 })
  expect(completed(first.rollbackId)).toEqual(['payments', 'orders', 'stock'])
  const undone = await digest(order)
  expect(undone).not.toBe(done)

  // Its compensations are actions under its own ID: two captured by databases, one recorded by the sidecar.
  await site.recorded(first.rollbackId, 3)
  const second = await rollBack(first.rollbackId)
  expect(second.end).toMatchObject({ endState: 'RESTORED_VERIFIED', restored: 4, expected: 4, remaining: [] })
  expect(completed(second.rollbackId)).toEqual(['stock', 'orders', 'payments'])
  expect(await digest(order)).toBe(done)
  const [requested] = site.world.of(second.rollbackId).filter(e => e.type === 'RollbackRequested')
  expect(thawPlan(requested!.data, requested!.data).inverse).toBe(true)

  // And once more: the same rules hold at every depth.
  await site.recorded(second.rollbackId, 3)
  const third = await rollBack(second.rollbackId)
  expect(third.end).toMatchObject({ endState: 'RESTORED_VERIFIED', restored: 4, expected: 4 })
  expect(await digest(order)).toBe(undone)
})
