import type pg from 'pg'
import type { CapturedAction, CaptureSource } from '../../adapter/port.js'
import { foundAction, type TransactionRow } from './actions.js'
import type { Database } from './database.js'
import { ident, literal } from './sql/quote.js'

interface PendingRow extends TransactionRow {
  readonly id: string
  readonly correlation_id: string
  readonly items: string
  readonly digest: string | null
  readonly late: boolean
}

const PRUNE_EVERY_MS = 600_000
const PRUNE_BATCH = 5_000

export interface RelayOptions {
  readonly schema: string
  readonly system: string
  /** How long published transactions stay, ms. */
  readonly retention: number
  readonly name: (row: TransactionRow) => string
  readonly now: () => number
}

/**
 * Reads the undo log in the order of its transactions. The lease is an advisory lock of the session: it ends with the
 * connection, so a process that dies or loses its connection cannot hold it back. Two that relay for a moment do no harm:
 * they publish the same events under the same IDs, and the cursor only moves forward.
 */
export class CaptureRelay implements CaptureSource {
  #client: pg.Client | undefined
  #leased = false
  #prunedAt: number

  constructor(
    private readonly database: Database,
    private readonly options: RelayOptions,
  ) {
    this.#prunedAt = options.now()
  }

  async next(limit: number, signal: AbortSignal): Promise<readonly CapturedAction[]> {
    signal.throwIfAborted()
    return this.#session(async client => {
      if (!(await this.#lease(client))) return []
      const { rows } = await client.query<PendingRow>({
        name: 'unwind-pending',
        text: `SELECT * FROM ${this.#schema}.pending($1)`,
        values: [limit],
      })
      if (rows.length === 0) await this.#prune(client)
      return rows.map(row => this.#captured(row))
    })
  }

  async published(last: CapturedAction): Promise<void> {
    const [xid, id] = last.cursor.split(':')
    await this.#session(client =>
      client.query({
        name: 'unwind-published',
        text: `UPDATE ${this.#schema}.relay SET xid = $1::xid8, id = $2 WHERE (xid, id) < ($1::xid8, $2::bigint)`,
        values: [xid, id],
      }),
    )
  }

  async stop(): Promise<void> {
    const client = this.#client
    this.#forget()
    await client?.end().catch(() => undefined)
  }

  get #schema(): string {
    return ident(this.options.schema)
  }

  async #session<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      if (!this.#client) {
        this.#client = this.database.client()
        await this.#client.connect()
      }
      return await use(this.#client)
    } catch (error) {
      // Whatever failed, a new session asks for the lease again instead of trusting the old one.
      await this.stop()
      throw error
    }
  }

  async #lease(client: pg.Client): Promise<boolean> {
    if (this.#leased) return true
    const key = literal(`unwind relay ${this.options.schema}`)
    const { rows } = await client.query<{ leased: boolean }>(
      `SELECT pg_try_advisory_lock(hashtextextended(${key}, 0)) AS leased`,
    )
    this.#leased = rows[0]!.leased
    return this.#leased
  }

  /** Only by the holder of the lease, and only when there is nothing to relay. */
  async #prune(client: pg.Client): Promise<void> {
    const now = this.options.now()
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return
    const before = new Date(now - this.options.retention)
    const { rows } = await client.query<{ pruned: string }>(
      `SELECT ${this.#schema}.prune($1, $2) AS pruned`,
      [before, PRUNE_BATCH],
    )
    // A full batch: more is waiting, so the next idle call goes on.
    if (Number(rows[0]!.pruned) < PRUNE_BATCH) this.#prunedAt = now
  }

  #captured(row: PendingRow): CapturedAction {
    return {
      ...foundAction(this.options.system, this.options.name(row), row, row.late),
      correlationId: row.correlation_id,
      items: Number(row.items),
      digest: row.digest,
      cursor: `${row.xid}:${row.id}`,
    }
  }

  #forget(): void {
    this.#client = undefined
    this.#leased = false
  }
}
