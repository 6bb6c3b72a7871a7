import type { DatabaseUrls, Grant, Payment, Services, ShopSystem } from '@unwind/example-shop'
import pg from 'pg'

/** How often each system really undid something of one order. */
export type EffectCounts = Readonly<Record<ShopSystem, number>>

export const NO_EFFECTS: EffectCounts = { orders: 0, stock: 0, payments: 0, loyalty: 0 }

/** Counts effects where they happened, in the targets, and believes no event about it. */
export class Effects {
  constructor(
    private readonly urls: DatabaseUrls,
    private readonly services: Services,
  ) {}

  /** By order number; an order that nothing was undone of may be missing. */
  async all(): Promise<ReadonlyMap<string, EffectCounts>> {
    const [orders, stock, payments, grants] = await Promise.all([
      undoTransactions(this.urls.orders),
      undoTransactions(this.urls.stock),
      list<Payment>(`${this.services.payments.url}/payments`),
      list<Grant>(`${this.services.loyalty.url}/grants`),
    ])
    const counts = new Map<string, EffectCounts>()
    const add = (order: string, system: ShopSystem, n: number) => {
      const known = counts.get(order) ?? NO_EFFECTS
      counts.set(order, { ...known, [system]: known[system] + n })
    }
    for (const [order, n] of orders) add(order, 'orders', n)
    for (const [order, n] of stock) add(order, 'stock', n)
    for (const payment of payments) add(payment.reference, 'payments', payment.refunds)
    for (const grant of grants) add(grant.reference, 'loyalty', grant.revocations)
    return counts
  }

  async of(order: string): Promise<EffectCounts> {
    return (await this.all()).get(order) ?? NO_EFFECTS
  }
}

/** The capture's own record, written in the transaction that undid: one row an effect. */
async function undoTransactions(url: string): Promise<readonly (readonly [string, number])[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    const { rows } = await client.query<{ correlation_id: string; effects: string }>(
      'select correlation_id, count(*) as effects from unwind.effect group by correlation_id',
    )
    return rows.map(row => [row.correlation_id, Number(row.effects)])
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function list<T>(url: string): Promise<readonly T[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`)
  return (await response.json()) as readonly T[]
}
