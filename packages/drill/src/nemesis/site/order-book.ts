import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import pg from 'pg'
import type { Effects } from '../check/effects.js'
import { orderBook } from './contracts.js'

/** What one order adds to its balance; what is there before. */
export const AMOUNT = 30
export const BALANCE = 1_000

const UNIQUE_VIOLATION = '23505'

const SCHEMA = [
  'CREATE TABLE orders (id text PRIMARY KEY, status text NOT NULL)',
  'CREATE TABLE balances (order_id text PRIMARY KEY, amount int NOT NULL)',
]

/** A database of the company with the capture installed, as its application uses it. */
export class OrderBook {
  readonly #pool: pg.Pool

  private constructor(
    readonly system: string,
    readonly url: string,
  ) {
    this.#pool = new pg.Pool({ connectionString: url, max: 4 })
    // A server that is killed breaks idle connections; the next query opens another.
    this.#pool.on('error', () => undefined)
  }

  /** @param url of an empty database. @param where for its tables, e.g. a tablespace clause. */
  static async open(system: string, url: string, where = ''): Promise<OrderBook> {
    const book = new OrderBook(system, url)
    for (const statement of SCHEMA) await book.#pool.query(`${statement} ${where}`)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const { contract } = orderBook(system, url)
      await installCapture(client, parsePostgresOptions(contract), system)
    } finally {
      await client.end()
    }
    return book
  }

  /** The forward action: one transaction under the order's correlation ID. Repeated, it is done once. */
  async write(order: string): Promise<void> {
    await this.#pool.query('INSERT INTO balances VALUES ($1, $2) ON CONFLICT DO NOTHING', [order, BALANCE])
    const client = await this.#pool.connect()
    // One whose server dies under a statement says so twice: by the statement, and here.
    client.on('error', ignore)
    try {
      await client.query('BEGIN')
      await client.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [order])
      await client.query(`INSERT INTO orders VALUES ($1, 'confirmed')`, [order])
      await client.query('UPDATE balances SET amount = amount + $2 WHERE order_id = $1', [order, AMOUNT])
      await client.query('COMMIT')
      client.off('error', ignore)
      client.release()
    } catch (error) {
      client.release(true)
      // The server died over the commit of an earlier try, and had it.
      if ((error as { code?: string }).code === UNIQUE_VIOLATION) return
      throw error
    }
  }

  /** Somebody else's later change, outside of every business transaction. */
  async ship(order: string): Promise<void> {
    await this.#pool.query(`UPDATE orders SET status = 'shipped' WHERE id = $1`, [order])
  }

  /**
   * How often each order's undo had its effect, from the business tables alone: a sum that was taken back twice shows it, whatever
   * our own records say.
   */
  async effects(): Promise<Map<string, Effects>> {
    const { rows } = await this.#pool.query<{ id: string; amount: number; status: string | null }>(
      'SELECT b.order_id AS id, b.amount, o.status FROM balances b LEFT JOIN orders o ON o.id = b.order_id',
    )
    return new Map(
      rows.map(({ id, amount, status }) => [
        id,
        { count: (BALANCE + AMOUNT - amount) / AMOUNT, left: status },
      ]),
    )
  }

  async sql(text: string): Promise<pg.QueryResult> {
    return this.#pool.query(text)
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

function ignore(): void {}
