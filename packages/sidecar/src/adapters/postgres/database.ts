import pg from 'pg'
import { CallAbandoned, type Phase } from './errors.js'
import type { PostgresOptions } from './options.js'

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

const CONNECT_TIMEOUT_MS = 5_000
/** After the server's own time-outs the client waits this much longer for its answer. */
const ANSWER_MARGIN_MS = 2_000

/**
 * Settings of the sessions: digests depend on how values are written; the plans of the generated functions are made once
 * (planning costs more than running them), and must stay with index look-ups whatever the statistics say.
 */
function sessionSettings(options: PostgresOptions, readOnly: boolean): string {
  const settings = {
    DateStyle: 'ISO',
    TimeZone: 'UTC',
    IntervalStyle: 'postgres',
    extra_float_digits: '1',
    bytea_output: 'hex',
    plan_cache_mode: 'force_generic_plan',
    jit: 'off',
    enable_seqscan: 'off',
    default_transaction_isolation: 'read\\ committed',
    default_transaction_read_only: readOnly ? 'on' : 'off',
    statement_timeout: `${options.statementTimeout}`,
    lock_timeout: `${options.lockTimeout}`,
    idle_in_transaction_session_timeout: '60000',
  }
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
}

/** The adapter's connections: one pool that writes, and one that cannot, so that a probe is a read whatever it calls. */
export class Database {
  readonly #write: pg.Pool
  readonly #read: pg.Pool
  #ended: Promise<void> | undefined

  constructor(
    private readonly options: PostgresOptions,
    private readonly name: string,
  ) {
    this.#write = this.#pool(false)
    this.#read = this.#pool(true)
  }

  #pool(readOnly: boolean): pg.Pool {
    const pool = new pg.Pool({ ...this.#config(readOnly), max: this.options.pool.max })
    // An idle connection that breaks is replaced with the next call; unheard, the event would end the process.
    pool.on('error', () => undefined)
    // The pool listens to idle connections only. One that breaks while it is lent ends the call that holds it, not the process.
    pool.on('connect', client => client.on('error', () => undefined))
    return pool
  }

  #config(readOnly: boolean): pg.ClientConfig {
    return {
      connectionString: this.options.url,
      application_name: this.name,
      options: sessionSettings(this.options, readOnly),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    }
  }

  /** A connection outside the pools, for what lasts as long as a session does. Not connected yet. */
  client(): pg.Client {
    const client = new pg.Client(this.#config(false))
    client.on('error', () => undefined)
    return client
  }

  /** One statement, prepared once a connection. @throws CallFailed */
  write<R extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<R[]> {
    return this.#call(this.#write, name, text, values, signal)
  }

  /** The same in a transaction that is READ ONLY. @throws CallFailed */
  read<R extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<R[]> {
    return this.#call(this.#read, name, text, values, signal)
  }

  /** Lends a writing connection, for install and checks. */
  async lend<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#write.connect()
    try {
      return await use(client)
    } finally {
      client.release()
    }
  }

  async #call<R extends pg.QueryResultRow>(
    pool: pg.Pool,
    name: string,
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<R[]> {
    let phase: Phase = 'connecting'
    let client: pg.PoolClient | undefined
    let broken = true
    try {
      signal.throwIfAborted()
      client = await pool.connect()
      signal.throwIfAborted()
      phase = 'sent'
      const result = await this.#answer(client.query<R>({ name, text, values: [...values] }), signal)
      broken = false
      return result.rows
    } catch (error) {
      // An answer from the server leaves the connection usable; everything else does not.
      broken = !(error instanceof pg.DatabaseError) || error.severity === 'FATAL'
      throw new CallFailed(error, phase)
    } finally {
      client?.release(broken)
    }
  }

  #answer<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
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
