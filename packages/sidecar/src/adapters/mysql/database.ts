import mysql from 'mysql2/promise'
import { CallAbandoned, type Phase } from './errors.js'
import type { MysqlOptions } from './options.js'

/** On which a call failed, and where it was then. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
  constructor(
    readonly reason: unknown,
    readonly phase: Phase,
  ) {
    super(reason instanceof Error ? reason.message : String(reason))
  }
}

export type Row = Readonly<Record<string, string | null>>

/** What a call may do with its connection. Numbers and times come as texts: they may have more than 53 bits. */
export interface Session {
  rows<R = Row>(sql: string, values?: readonly unknown[]): Promise<R[]>
  /** @returns rows that a statement matched, whether it had to change them or not. */
  run(sql: string, values?: readonly unknown[]): Promise<number>
}

const CONNECT_TIMEOUT_MS = 5_000
/** After its own bound the client waits this much longer, so that the server's word comes first where it has one. */
const ANSWER_MARGIN_MS = 2_000

/** Strict, no zero as "next number", and nothing that an application's taste in modes could change. */
export const SQL_MODE =
  'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'

/**
 * Settings of the sessions. READ COMMITTED: a look after a lock must see what is there. The rest fixes how values are written
 * and compared, and keeps plans at index look-ups.
 */
export function sessionStatement(options: MysqlOptions): string {
  const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1_000))
  const settings = {
    sql_mode: `'${SQL_MODE}'`,
    time_zone: `'+00:00'`,
    autocommit: '1',
    tx_isolation: `'READ-COMMITTED'`,
    foreign_key_checks: '1',
    unique_checks: '1',
    max_statement_time: String(options.statementTimeout / 1_000),
    innodb_lock_wait_timeout: String(seconds(options.lockTimeout)),
    lock_wait_timeout: String(seconds(options.lockTimeout)),
    // A process that stopped in the middle of a step must not hold its rows for ever.
    idle_transaction_timeout: String(seconds(options.statementTimeout)),
    group_concat_max_len: '1073741824',
    optimizer_switch: `'exists_to_in=off'`,
  }
  return `SET SESSION ${Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ')}`
}

export function connectionOptions(options: Pick<MysqlOptions, 'url'>): mysql.ConnectionOptions {
  const url = new URL(options.url)
  const ssl = url.searchParams.get('ssl')
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    charset: 'utf8mb4_bin',
    connectTimeout: CONNECT_TIMEOUT_MS,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    enableKeepAlive: true,
    // Every value as the text that the server sends: no number loses digits on the way.
    typeCast: field => field.string(),
    ...(ssl === null || ssl === 'false' ? {} : { ssl: { rejectUnauthorized: ssl !== 'unverified' } }),
  }
}

/** The adapter's connections: one pool that writes, and one whose transactions cannot, so that a probe is a read. */
export class Database {
  readonly #write: mysql.Pool
  readonly #read: mysql.Pool
  #ended: Promise<void> | undefined

  constructor(private readonly options: MysqlOptions) {
    this.#write = this.#pool()
    this.#read = this.#pool()
  }

  #pool(): mysql.Pool {
    const pool = mysql.createPool({
      ...connectionOptions(this.options),
      connectionLimit: this.options.pool.max,
    })
    // One that breaks while it is idle or lent ends the call that holds it; unheard, the event would end the process.
    pool.on('connection', connection => connection.on('error', () => undefined))
    return pool
  }

  /** A connection outside the pools, for what lasts as long as a session does; its settings are made. */
  async connect(): Promise<mysql.Connection> {
    const connection = await mysql.createConnection(connectionOptions(this.options))
    connection.on('error', () => undefined)
    await connection.query(sessionStatement(this.options))
    return connection
  }

  /**
   * One transaction: committed when `work` is done, given up when it throws.
   * @param purpose stands in its commit, for whoever looks at the server's process list or log.
   * @throws CallFailed
   */
  write<T>(
    purpose: 'step' | 'fence',
    work: (session: Session) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#call(this.#write, signal, async (session, enter) => {
      await session.run('START TRANSACTION')
      const result = await work(session)
      enter('committing')
      await session.run(`COMMIT /* unwind ${purpose} */`)
      return result
    })
  }

  /**
   * One read-only transaction over one snapshot.
   * @param prepare before it, for temporary tables, which it may fill but not create.
   * @throws CallFailed
   */
  read<P, T>(
    prepare: (session: Session) => Promise<P>,
    work: (session: Session, prepared: P) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#call(this.#read, signal, async session => {
      const prepared = await prepare(session)
      await session.run('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
      await session.run('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
      const result = await work(session, prepared)
      await session.run('ROLLBACK')
      return result
    })
  }

  async #call<T>(
    pool: mysql.Pool,
    signal: AbortSignal,
    work: (session: Session, enter: (phase: Phase) => void) => Promise<T>,
  ): Promise<T> {
    let phase: Phase = 'connecting'
    let connection: mysql.PoolConnection | undefined
    try {
      signal.throwIfAborted()
      const borrowed = await pool.getConnection()
      connection = borrowed
      signal.throwIfAborted()
      if (!settled.has(borrowed.connection)) {
        await borrowed.query(sessionStatement(this.options))
        settled.add(borrowed.connection)
      }
      phase = 'working'
      const result = await this.#bounded(
        work(sessionOn(borrowed), entered => {
          phase = entered
        }),
        signal,
      )
      borrowed.release()
      connection = undefined
      return result
    } catch (error) {
      if (
        connection &&
        phase === 'working' &&
        !(error instanceof CallAbandoned) &&
        (await rolledBack(connection))
      ) {
        connection.release()
        connection = undefined
      }
      throw new CallFailed(error, phase)
    } finally {
      // The end of a connection is the end of its transaction and of its temporary tables.
      connection?.destroy()
    }
  }

  #bounded<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const bound = this.options.statementTimeout + ANSWER_MARGIN_MS
      const timer = setTimeout(() => give(`no answer within ${bound} ms`), bound)
      const aborted = () => give('the call was given up')
      const give = (why: string) => {
        done()
        reject(new CallAbandoned(why))
      }
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
      }
      signal.addEventListener('abort', aborted, { once: true })
      answer.then(resolve, reject).finally(done)
    })
  }

  /** Idempotent. */
  end(): Promise<void> {
    this.#ended ??= Promise.all([this.#write.end(), this.#read.end()]).then(() => undefined)
    return this.#ended
  }
}

/** Connections of a pool that have their settings already. */
const settled = new WeakSet<object>()

/** A connection that still answers is free of its transaction before anybody else tries; one that does not is given up. */
async function rolledBack(connection: mysql.PoolConnection): Promise<boolean> {
  try {
    await connection.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}

export function sessionOn(connection: Pick<mysql.Connection, 'query'>): Session {
  return {
    rows: async <R>(sql: string, values: readonly unknown[] = []) => {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(sql, [...values])
      return rows as unknown as R[]
    },
    run: async (sql, values = []) => {
      const [result] = await connection.query<mysql.ResultSetHeader>(sql, [...values])
      return result.affectedRows ?? 0
    },
  }
}
