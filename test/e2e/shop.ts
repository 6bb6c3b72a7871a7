import { ADAPTERS, type AdapterFactory, type LoadedContract } from '@unwind/sidecar'
import type { TestDatabase } from '../support/database.js'
import { PaymentProvider, paymentContract } from '../support/payment-provider.js'
import { loaded, postgresContract, type Site } from '../support/site.js'

export const SHOP_SYSTEMS = ['orders', 'payments', 'stock'] as const

/**
 * Three systems in three tiers: stock acts first (a legacy database that knows only an order number), then orders (a database
 * whose application names the correlation ID), then a payment provider. So payments are undone first, stock last.
 */
export class MiniShop {
  private constructor(
    readonly site: Site,
    readonly orders: TestDatabase,
    readonly stock: TestDatabase,
    readonly payments: PaymentProvider,
    readonly contracts: Readonly<Record<(typeof SHOP_SYSTEMS)[number], LoadedContract>>,
    private readonly record: (correlationId: string, paymentId: string, amount: number) => Promise<unknown>,
  ) {}

  static async open(site: Site): Promise<MiniShop> {
    const orders = await site.database(
      'orders',
      `CREATE TABLE orders (id text PRIMARY KEY, status text NOT NULL, total int NOT NULL, note text)`,
      `CREATE TABLE customers (id int PRIMARY KEY, spent int NOT NULL)`,
      `INSERT INTO customers VALUES (1, 500)`,
    )
    const stock = await site.database(
      'stock',
      `CREATE TABLE reservations (order_no text, sku text, qty int NOT NULL, PRIMARY KEY (order_no, sku))`,
    )
    const payments = await PaymentProvider.start()
    site.world.onClose(() => payments.stop())
    const contracts = {
      stock: loaded(
        postgresContract('stock', stock.url, {
          'public.reservations': { correlation: { column: 'order_no' } },
        }),
      ),
      orders: loaded(
        postgresContract(
          'orders',
          orders.url,
          { 'public.orders': {}, 'public.customers': { delta: ['spent'] } },
          ['stock'],
        ),
      ),
      payments: loaded(paymentContract('payments', payments.url, ['orders'])),
    }
    await site.install(contracts.orders, orders)
    await site.install(contracts.stock, stock)
    const client = await site.client('payments')
    return new MiniShop(site, orders, stock, payments, contracts, (correlationId, paymentId, amount) =>
      client.record({ correlationId, action: 'payment.captured', data: { paymentId, amount } }),
    )
  }

  /** The sidecars of all three systems, in this process. */
  async sidecars(adapters: Readonly<Record<string, AdapterFactory>> = ADAPTERS): Promise<void> {
    await Promise.all(SHOP_SYSTEMS.map(system => this.site.sidecar(this.contracts[system], adapters)))
  }

  async reserve(order: string, sku = 'tea'): Promise<void> {
    await this.stock.transaction(null, `INSERT INTO reservations VALUES ('${order}', '${sku}', 2)`)
  }

  /** The order stands as a draft already; the business transaction confirms it. */
  async draft(order: string): Promise<void> {
    await this.orders.transaction(null, `INSERT INTO orders VALUES ('${order}', 'draft', 0, 'gift')`)
  }

  async confirm(order: string, total = 30): Promise<void> {
    await this.orders.transaction(
      order,
      `UPDATE orders SET status = 'confirmed', total = ${total} WHERE id = '${order}'`,
      `UPDATE customers SET spent = spent + ${total} WHERE id = 1`,
    )
  }

  async pay(order: string, total = 30): Promise<void> {
    this.payments.capture(order, total)
    await this.record(order, order, total)
  }

  /** A whole order: one action at each system, all of them in the topic when this resolves. */
  async buy(): Promise<string> {
    const order = this.site.order()
    await this.draft(order)
    await this.reserve(order)
    await this.confirm(order)
    await this.pay(order)
    await this.site.recorded(order, 3)
    return order
  }

  /** Everything that a rollback of the order touches, as its owners see it. */
  async state(order: string) {
    const [row] = await this.orders.sql('SELECT status, total, note FROM orders WHERE id = $1', [order])
    const reserved = await this.stock.sql('SELECT sku FROM reservations WHERE order_no = $1', [order])
    const { status, refunds } = this.payments.payments.get(order) ?? { status: null, refunds: 0 }
    return { order: row, reserved: reserved.map(r => r.sku), payment: status, refunds }
  }

  async spent(): Promise<number> {
    return Number((await this.orders.sql('SELECT spent FROM customers WHERE id = 1'))[0]!.spent)
  }

  /** Effect records in both databases by step key: exactly one a step. */
  async effects(rollbackId: string): Promise<Record<string, number>> {
    const count: Record<string, number> = {}
    for (const database of [this.orders, this.stock]) {
      const rows = await database.sql(
        'SELECT key, count(*)::int AS n FROM unwind.effect WHERE rollback_id = $1 GROUP BY key',
        [rollbackId],
      )
      for (const { key, n } of rows) count[String(key).slice(rollbackId.length + 1)] = Number(n)
    }
    return count
  }
}
