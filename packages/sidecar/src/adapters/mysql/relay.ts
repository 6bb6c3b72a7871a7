import type mysql from 'mysql2/promise'
import type { CapturedAction, CaptureSource } from '../../adapter/port.js'
import { type Entry, foundAction } from './actions.js'
import { type Database, type Session, sessionOn } from './database.js'
import { ident } from './sql/quote.js'
import type { CapturedTables } from './step/captured.js'
import { claimEntries } from './step/claim.js'
import { describeEntries, digestsOf } from './step/describe.js'
import { prune } from './step/prune.js'

const PRUNE_EVERY_MS = 600_000
const PRUNE_BATCH = 5_000

export interface RelayOptions {
  readonly database: string
  readonly system: string
  /** How long published entries stay, ms. */
  readonly retention: number
  readonly tables: CapturedTables
  readonly name: (entry: Entry) => string
  readonly now: () => number
}

/**
 * Reads the undo log in an order that agrees with the order of the commits. The lease is a named lock of the session: it ends with the
 * connection, so a process that dies or loses its connection cannot hold it back. Two that relay for a moment do no harm: they
 * publish the same events under the same IDs, and the cursor only moves forward.
 */
export class CaptureRelay implements CaptureSource {
  #connection: mysql.Connection | undefined
  #leased = false
  #prunedAt: number

  constructor(
    private readonly connections: Database,
    private readonly options: RelayOptions,
  ) {
    this.#prunedAt = options.now()
  }

  async next(limit: number, signal: AbortSignal): Promise<readonly CapturedAction[]> {
    signal.throwIfAborted()
    const { database, tables } = this.options
    return this.#with(async session => {
      if (!(await this.#lease(session))) return []
      await claimEntries(session, database, tables)
      const d = ident(database)
      const pending = await session.rows<{ id: string; place: string }>(
        `SELECT id, place FROM ${d}.entry WHERE place > (SELECT r.place FROM ${d}.relay r) ORDER BY place LIMIT ${Math.trunc(limit)}`,
      )
      if (pending.length === 0) {
        await this.#prune(session)
        return []
      }
      const ids = pending.map(row => row.id)
      const described = new Map(
        (await describeEntries(session, database, tables, ids)).map(entry => [entry.id, entry]),
      )
      const digests = await digestsOf(session, database, tables, ids)
      return pending.flatMap(({ id, place }) => {
        const entry = described.get(id)
        if (!entry) return []
        const action = foundAction(this.options.system, this.options.name(entry), entry)
        const { correlationId, items } = entry
        return { ...action, correlationId, items, digest: digests.get(id) ?? null, cursor: place }
      })
    })
  }

  async published(last: CapturedAction): Promise<void> {
    const d = ident(this.options.database)
    await this.#with(session =>
      session.run(`UPDATE ${d}.relay SET place = GREATEST(place, CAST(? AS UNSIGNED))`, [last.cursor]),
    )
  }

  async stop(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    this.#leased = false
    connection?.destroy()
  }

  async #with<T>(use: (session: Session) => Promise<T>): Promise<T> {
    try {
      this.#connection ??= await this.connections.connect()
      return await use(sessionOn(this.#connection))
    } catch (error) {
      // Whatever failed, a new session asks for the lease again instead of trusting the old one.
      await this.stop()
      throw error
    }
  }

  async #lease(session: Session): Promise<boolean> {
    if (this.#leased) return true
    // Names of locks have at most 64 characters, and hold for the whole server.
    const rows = await session.rows<{ leased: string | null }>(`SELECT GET_LOCK(?, 0) AS leased`, [
      `unwind relay ${this.options.database}`,
    ])
    this.#leased = rows[0]!.leased === '1'
    return this.#leased
  }

  /** Only by the holder of the lease, and only when there is nothing to relay. */
  async #prune(session: Session): Promise<void> {
    const now = this.options.now()
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return
    const { database, tables, retention } = this.options
    const pruned = await prune(session, database, tables, now - retention, PRUNE_BATCH)
    // A full batch: more is waiting, so the next idle call goes on.
    if (pruned < PRUNE_BATCH) this.#prunedAt = now
  }
}
