import pg from 'pg'
import { type Consistency, judgeConsistency } from './consistency.js'
import { setUpTables } from './databases.js'
import { makeOrder, type Order, seededRandom, withSoldOutLine } from './order.js'
import type { Recorder } from './recorder.js'
import { SUSPENDED_CUSTOMER } from './services/loyalty.js'
import { DECLINED_CARD } from './services/payments.js'
import type { Payment } from './services/wire.js'
import { readTotals, readTraces, type Sources } from './snapshot.js'
import {
  capturePayment,
  changeAddress,
  confirmInOrders,
  type DatabaseUrls,
  grantPoints,
  list,
  placeInOrders,
  reserveInStock,
} from './systems.js'

/** Where an order fails, in the order in which an order touches its systems. */
export const FAILURE_POINTS = ['stock', 'payment', 'loyalty', 'confirmation'] as const
export type FailurePoint = (typeof FAILURE_POINTS)[number]

export interface ShopOptions {
  readonly databaseUrls: DatabaseUrls
  readonly paymentsUrl: string
  readonly loyaltyUrl: string
  readonly recorder: Recorder
  /** The same seed gives the same orders. Default 1. */
  readonly seed?: number
  /** Number of the first order. Default 1001. */
  readonly firstOrder?: number
}

export interface FailedOrder {
  readonly order: Order
  readonly failedAt: FailurePoint
  /** What the system that failed said. */
  readonly reason: string
  readonly rollbackId: string
}

/** The order went through although it was to fail. */
export class DidNotFail extends Error {
  override readonly name = 'DidNotFail'
}

/** One shop, four systems: orders and stock in Postgres, payments and loyalty over HTTP. */
export interface Shop {
  /** Tables and first rows; may be run again. Install capture afterwards. */
  setUp(): Promise<void>
  /** Goes through all four systems. The order's number is the correlation ID. */
  placeOrder(): Promise<Order>
  /** Goes as far as the point and fails there; what was done until then stays, and a rollback is proposed. */
  placeFailingOrder(at: FailurePoint): Promise<FailedOrder>
  /** As `placeFailingOrder`, without the proposal: for those who propose by hand. */
  breakOrder(at: FailurePoint): Promise<Omit<FailedOrder, 'rollbackId'>>
  /** Customer service writes a new address into the order, without a correlation ID. @returns the address. */
  laterWrite(order: Order): Promise<string>
  /** Refunds that the payment provider really made for the order. */
  refundsOf(order: Order): Promise<number>
  /** Adds up all four systems, order by order. */
  checkConsistency(): Promise<Consistency>
  /** What the contracts' variables stand for, for the sidecars' environment. */
  environment(): Readonly<Record<string, string>>
  /** Idempotent. */
  close(): Promise<void>
}

export function createShop(options: ShopOptions): Shop {
  const { databaseUrls, paymentsUrl, loyaltyUrl, recorder } = options
  const orders = openPool(databaseUrls.orders)
  const stock = openPool(databaseUrls.stock)
  const sources: Sources = { orders, stock, paymentsUrl, loyaltyUrl }
  const random = seededRandom(options.seed ?? 1)
  const tried = new Set<string>()
  let next = options.firstOrder ?? 1001
  let closed: Promise<void> | null = null

  const newOrder = () => {
    const order = makeOrder(next++, random)
    tried.add(order.orderNo)
    return order
  }

  const carryOut = async (order: Order, failAt: FailurePoint | null) => {
    await placeInOrders(orders, order)
    await reserveInStock(stock, order)
    const number = order.orderNo.replace('order-', '')
    const paymentId = `pay-${number}`
    const paymentAction = `payments:${paymentId}`
    await capturePayment(paymentsUrl, {
      paymentId,
      order,
      card: failAt === 'payment' ? DECLINED_CARD : 'card-4242',
    })
    // The provider is a third party and records nothing itself; the shop does, before it goes on.
    await recorder.record({
      correlationId: order.orderNo,
      system: 'payments',
      action: 'payment.captured',
      actionId: paymentAction,
      resource: `payments/${paymentId}`,
      data: { paymentId, amountCents: order.totalCents },
    })
    await grantPoints(
      loyaltyUrl,
      `grant-${number}`,
      order,
      failAt === 'loyalty' ? SUSPENDED_CUSTOMER : order.customerId,
      paymentAction,
    )
    if (failAt === 'confirmation') throw new Error('the courier did not accept the parcel')
    await confirmInOrders(orders, order.orderNo)
  }

  const breakOrder = async (at: FailurePoint) => {
    const order = at === 'stock' ? withSoldOutLine(newOrder()) : newOrder()
    try {
      await carryOut(order, at)
    } catch (error) {
      return { order, failedAt: at, reason: error instanceof Error ? error.message : String(error) }
    }
    throw new DidNotFail(`${order.orderNo} was to fail at ${at} and did not`)
  }

  return {
    setUp: () => setUpTables(orders, stock),
    placeOrder: async () => {
      const order = newOrder()
      await carryOut(order, null)
      return order
    },
    breakOrder,
    placeFailingOrder: async at => {
      const broken = await breakOrder(at)
      const reason = `${broken.order.orderNo} failed at ${at}: ${broken.reason}`
      const { rollbackId } = await recorder.propose({ correlationId: broken.order.orderNo, reason })
      return { ...broken, rollbackId }
    },
    laterWrite: async order => {
      const address = `${order.address}, c/o neighbour`
      await changeAddress(orders, order.orderNo, address)
      return address
    },
    refundsOf: async order => {
      const payments = await list<Payment>(`${paymentsUrl}/payments`)
      return payments
        .filter(payment => payment.reference === order.orderNo)
        .reduce((sum, payment) => sum + payment.refunds, 0)
    },
    checkConsistency: async () =>
      judgeConsistency(await readTraces(sources, tried), await readTotals(sources)),
    environment: () => ({
      ORDERS_DATABASE_URL: databaseUrls.orders,
      STOCK_DATABASE_URL: databaseUrls.stock,
      PAYMENTS_URL: paymentsUrl,
      LOYALTY_URL: loyaltyUrl,
    }),
    close: () => (closed ??= Promise.all([orders.end(), stock.end()]).then(() => undefined)),
  }
}

function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4, application_name: 'shop' })
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  return pool
}
