import type pg from 'pg'
import type { OrderTraces, Totals } from './consistency.js'
import type { Grant, Payment } from './services/wire.js'
import { list } from './systems.js'

/** Where the four systems are read. */
export interface Sources {
  readonly orders: pg.Pool
  readonly stock: pg.Pool
  readonly paymentsUrl: string
  readonly loyaltyUrl: string
}

interface OrderRow {
  readonly order_no: string
  readonly status: string
  readonly total_cents: string
  readonly lines_cents: string
  readonly quantity: string
}

/** @param known orders that were ever tried, so that one of which nothing is left is judged as well. */
export async function readTraces(sources: Sources, known: Iterable<string>): Promise<readonly OrderTraces[]> {
  const [orders, reservations, payments, grants] = await Promise.all([
    sources.orders.query<OrderRow>(
      `select order_no, status, total_cents,
              coalesce(sum(l.quantity * l.price_cents), 0) as lines_cents, coalesce(sum(l.quantity), 0) as quantity
         from orders left join order_lines l using (order_no) group by order_no`,
    ),
    sources.stock.query<{ order_no: string; quantity: string }>(
      'select order_no, sum(quantity) as quantity from reservations group by order_no',
    ),
    list<Payment>(`${sources.paymentsUrl}/payments`),
    list<Grant>(`${sources.loyaltyUrl}/grants`),
  ])
  const rows = new Map(orders.rows.map(row => [row.order_no, row]))
  const reserved = new Map(reservations.rows.map(row => [row.order_no, Number(row.quantity)]))
  const numbers = new Set([
    ...known,
    ...rows.keys(),
    ...reserved.keys(),
    ...payments.map(p => p.reference),
    ...grants.map(g => g.reference),
  ])
  return [...numbers].sort().map(orderNo => {
    const row = rows.get(orderNo)
    const paid = payments.filter(payment => payment.reference === orderNo)
    const granted = grants.filter(grant => grant.reference === orderNo)
    return {
      orderNo,
      order: row
        ? {
            status: row.status,
            totalCents: Number(row.total_cents),
            linesCents: Number(row.lines_cents),
            quantity: Number(row.quantity),
          }
        : null,
      reservedQuantity: reserved.get(orderNo) ?? 0,
      paidCents: sum(paid.map(payment => payment.amountCents - payment.refundedCents)),
      points: sum(granted.map(grant => grant.points - grant.revokedPoints)),
      refunds: sum(paid.map(payment => payment.refunds)),
      revocations: sum(granted.map(grant => grant.revocations)),
    }
  })
}

export async function readTotals({ orders, stock }: Sources): Promise<Totals> {
  const [customers, levels] = await Promise.all([
    orders.query<Record<'id' | 'orders_count' | 'spent_cents' | 'orders' | 'cents', string>>(
      `select c.id, c.orders_count, c.spent_cents, count(o.order_no) as orders, coalesce(sum(o.total_cents), 0) as cents
         from customers c left join orders o on o.customer_id = c.id group by c.id order by c.id`,
    ),
    stock.query<{ sku: string; kept: string; counted: string }>(
      `select s.sku, s.reserved as kept, coalesce(sum(r.quantity), 0) as counted
         from stock_levels s left join reservations r using (sku) group by s.sku order by s.sku`,
    ),
  ])
  return {
    customers: customers.rows.map(row => ({
      id: Number(row.id),
      kept: { orders: Number(row.orders_count), cents: Number(row.spent_cents) },
      counted: { orders: Number(row.orders), cents: Number(row.cents) },
    })),
    levels: levels.rows.map(row => ({ sku: row.sku, kept: Number(row.kept), counted: Number(row.counted) })),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
