import type pg from 'pg'
import type { Order } from './order.js'
import type { Grant, Payment } from './services/wire.js'

export interface DatabaseUrls {
  readonly orders: string
  readonly stock: string
}

/** The orders service: the one system that tells the database which business transaction it writes for. */
export async function placeInOrders(pool: pg.Pool, order: Order): Promise<void> {
  await underCorrelation(pool, order.orderNo, async client => {
    const { orderNo, customerId, address, totalCents } = order
    await client.query(
      "insert into orders (order_no, customer_id, status, address, total_cents) values ($1, $2, 'placed', $3, $4)",
      [orderNo, customerId, address, totalCents],
    )
    for (const { lineNo, sku, quantity, priceCents } of order.lines)
      await client.query(
        'insert into order_lines (order_no, line_no, sku, quantity, price_cents) values ($1, $2, $3, $4, $5)',
        [orderNo, lineNo, sku, quantity, priceCents],
      )
    await client.query(
      'update customers set orders_count = orders_count + 1, spent_cents = spent_cents + $2 where id = $1',
      [customerId, totalCents],
    )
  })
}

export async function confirmInOrders(pool: pg.Pool, orderNo: string): Promise<void> {
  await underCorrelation(pool, orderNo, async client => {
    await client.query("update orders set status = 'confirmed' where order_no = $1", [orderNo])
  })
}

/** Somebody at customer service corrects the address, days later, with a tool that knows no correlation ID. */
export async function changeAddress(pool: pg.Pool, orderNo: string, address: string): Promise<void> {
  const { rowCount } = await pool.query('update orders set address = $2 where order_no = $1', [
    orderNo,
    address,
  ])
  if (rowCount !== 1) throw new Error(`order ${orderNo} does not exist, so its address cannot be changed`)
}

/** The legacy stock system: no correlation ID, only its own order number. All lines or none. */
export async function reserveInStock(pool: pg.Pool, order: Order): Promise<void> {
  await inTransaction(pool, async client => {
    // In the order of the articles: two orders that lock the same levels in different orders would block each other.
    const lines = [...order.lines].sort((a, b) =>
      a.sku < b.sku ? -1 : a.sku > b.sku ? 1 : a.lineNo - b.lineNo,
    )
    for (const { lineNo, sku, quantity } of lines)
      await client.query(
        'insert into reservations (order_no, line_no, sku, quantity) values ($1, $2, $3, $4)',
        [order.orderNo, lineNo, sku, quantity],
      )
  })
}

export interface Charge {
  readonly paymentId: string
  readonly order: Order
  readonly card: string
}

export async function capturePayment(baseUrl: string, { paymentId, order, card }: Charge): Promise<Payment> {
  const { orderNo: reference, customerId, totalCents: amountCents } = order
  return (await post(`${baseUrl}/payments`, paymentId, {
    id: paymentId,
    reference,
    customerId,
    amountCents,
    card,
  })) as Payment
}

export async function grantPoints(
  baseUrl: string,
  grantId: string,
  order: Order,
  customerId: number,
  causedBy: string,
): Promise<Grant> {
  return (await post(`${baseUrl}/grants`, grantId, {
    id: grantId,
    reference: order.orderNo,
    customerId,
    points: order.points,
    causedBy,
  })) as Grant
}

export async function list<T>(url: string): Promise<readonly T[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`)
  return (await response.json()) as readonly T[]
}

async function post(url: string, key: string, body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `"${key}"` }
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
  const answer = (await response.json()) as { title?: string }
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${answer.title ?? ''}`)
  return answer
}

/** The whole change that the orders service needed to take part: one line in each of its transactions. */
async function underCorrelation(
  pool: pg.Pool,
  correlationId: string,
  work: (client: pg.PoolClient) => Promise<void>,
): Promise<void> {
  await inTransaction(pool, async client => {
    await client.query("select set_config('unwind.correlation_id', $1, true)", [correlationId])
    await work(client)
  })
}

const DEADLOCK = '40P01'
const MOST_TRIES = 5

/** Others write the same rows, rollbacks among them: whom the database picks to give way begins anew, as any application must. */
async function inTransaction(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await once(pool, work)
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || tries >= MOST_TRIES) throw error
    }
  }
}

async function once(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
    await client.query('commit')
    client.release()
  } catch (error) {
    // A connection on which not even that works is thrown away.
    const broken = await client.query('rollback').then(
      () => false,
      () => true,
    )
    client.release(broken)
    throw error
  }
}
