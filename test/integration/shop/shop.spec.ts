import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import {
  createDatabases,
  createShop,
  type DatabaseUrls,
  runTraffic,
  type Services,
  type Shop,
  type ShopAction,
  startServices,
} from '../../../examples/shop/src/index.js'

const SEED = 20_261

let folder: string
let services: Services
let shop: Shop
let urls: DatabaseUrls
const prefix = `shop_spec_${process.pid}`
const actions: ShopAction[] = []
const proposals: { correlationId: string; reason: string }[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unwind-shop-'))
  const recorder = {
    record: async (action: ShopAction) => void actions.push(action),
    propose: async (proposal: { correlationId: string; reason: string }) => ({
      rollbackId: `rb-${proposals.push(proposal)}`,
    }),
  }
  urls = await createDatabases(inject('stack').databaseUrl, prefix)
  services = await startServices({ folder, recorder })
  shop = createShop({
    databaseUrls: urls,
    paymentsUrl: services.payments.url,
    loyaltyUrl: services.loyalty.url,
    recorder,
    seed: SEED,
  })
  await shop.setUp()
})
afterAll(async () => {
  await shop?.close()
  await services?.stop()
  const admin = new pg.Client({ connectionString: inject('stack').databaseUrl })
  await admin.connect()
  for (const part of ['orders', 'stock'])
    await admin.query(`drop database if exists "${prefix}_${part}" with (force)`)
  await admin.end()
  await rm(folder, { recursive: true })
})

it(`fifty orders, eight of them failing half-way, leave exactly the traces that they should (seed ${SEED})`, async () => {
  const { placed, failed } = await runTraffic(shop, { orders: 50, failShare: 0.16, seed: SEED })
  expect([placed.length, failed.length]).toEqual([42, 8])
  const result = await shop.checkConsistency()
  expect(result.problems).toEqual([])
  expect([result.complete, result.absent]).toEqual([42, 0])
  expect(result.torn.map(verdict => verdict.orderNo)).toEqual(failed.map(({ order }) => order.orderNo).sort())

  const problemsAt = (point: string) =>
    failed
      .filter(each => each.failedAt === point)
      .map(({ order }) => result.torn.find(verdict => verdict.orderNo === order.orderNo)?.problems.length)
  expect(problemsAt('stock')).toEqual([4, 4])
  expect(problemsAt('payment')).toEqual([3, 3])
  expect(problemsAt('loyalty')).toEqual([2, 2])
  expect(problemsAt('confirmation')).toEqual([1, 1])
  expect(proposals.map(proposal => proposal.correlationId).sort()).toEqual(
    failed.map(({ order }) => order.orderNo).sort(),
  )
  expect(proposals.find(proposal => proposal.reason.includes('at payment'))?.reason).toMatch(
    /^order-\d+ failed at payment: POST .* answered 402: the card was declined$/,
  )
  // Stock and payment failures never got as far as a payment, loyalty failures as far as a grant.
  expect(actions.filter(action => action.system === 'payments')).toHaveLength(46)
  expect(actions.filter(action => action.system === 'loyalty')).toHaveLength(44)
})

it('a later write of customer service touches the order and nothing else', async () => {
  const order = await shop.placeOrder()
  const address = await shop.laterWrite(order)
  const client = new pg.Client({ connectionString: urls.orders })
  await client.connect()
  const { rows } = await client.query('select address, status from orders where order_no = $1', [
    order.orderNo,
  ])
  await client.end()
  expect(rows).toEqual([{ address, status: 'confirmed' }])
  expect(
    (await shop.checkConsistency()).orders.find(verdict => verdict.orderNo === order.orderNo)?.state,
  ).toBe('complete')
})

it('undoing an order by hand in all four systems leaves nothing of it, and nobody else is touched', async () => {
  const before = await shop.checkConsistency()
  const { order } = await shop.breakOrder('confirmation')
  const number = order.orderNo.replace('order-', '')
  const post = async (url: string, body: object) =>
    (await fetch(url, { method: 'POST', headers: { 'idempotency-key': 'undo' }, body: JSON.stringify(body) }))
      .status
  expect(
    await post(`${services.loyalty.url}/grants/grant-${number}/revocations`, { points: order.points }),
  ).toBe(201)
  expect(
    await post(`${services.payments.url}/payments/pay-${number}/refunds`, { amountCents: order.totalCents }),
  ).toBe(201)
  for (const [url, statements] of [
    [urls.stock, ['delete from reservations where order_no = $1']],
    [
      urls.orders,
      [
        'update customers c set orders_count = orders_count - 1, spent_cents = spent_cents - o.total_cents from orders o where o.customer_id = c.id and o.order_no = $1',
        'delete from order_lines where order_no = $1',
        'delete from orders where order_no = $1',
      ],
    ],
  ] as const) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    for (const statement of statements) await client.query(statement, [order.orderNo])
    await client.end()
  }
  const after = await shop.checkConsistency()
  expect(after.problems).toEqual([])
  expect(after.orders).toEqual([...before.orders, { orderNo: order.orderNo, state: 'absent', problems: [] }])
  expect(await shop.refundsOf(order)).toBe(1)
})
