import { Redis } from 'ioredis'
import { APPEND, FORGET, FORGET_ALL, READ, TOUCHED } from './scripts.js'

/** The view cannot be asked or written. What is read from it must wait; the log is not touched by that. */
export class ViewUnavailable extends Error {
  override readonly name = 'ViewUnavailable'
}

export interface ConnectionLog {
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
}

const CONNECT_MS = 2_000
/** A slow answer means that Redis is away: callers say so instead of hanging. */
const ANSWER_MS = 5_000

/** The view's scripts, as commands of the connection. */
export interface Scripts {
  unwindAppend(...args: (string | Buffer)[]): Promise<number | string>
  unwindTouched(...args: string[]): Promise<[string[], string[][]]>
  unwindReadBuffer(...args: (string | Buffer)[]): Promise<[Buffer, Buffer, Buffer, Buffer, Buffer[]]>
  unwindForget(...args: string[]): Promise<number>
  unwindForgetAll(keys: number, ...args: string[]): Promise<string>
}

/** The connection to the view's Redis: says so once when it goes away and when it is back, and never lets anybody hang. */
export class ViewConnection {
  readonly redis: Redis
  readonly scripts: Scripts
  #reachable = true

  /** @param url redis:// or rediss:// */
  constructor(
    url: string,
    private readonly logger: ConnectionLog,
  ) {
    this.redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: ANSWER_MS,
      // Nothing may wait in a queue of unknown length: who asks while Redis is away is told so at once.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: attempt => Math.min(2_000, 50 * 2 ** Math.min(attempt, 6)),
    })
    this.redis.defineCommand('unwindAppend', { numberOfKeys: 2, lua: APPEND })
    this.redis.defineCommand('unwindRead', { numberOfKeys: 3, lua: READ })
    this.redis.defineCommand('unwindTouched', { lua: TOUCHED })
    this.redis.defineCommand('unwindForget', { numberOfKeys: 2, lua: FORGET })
    this.redis.defineCommand('unwindForgetAll', { lua: FORGET_ALL })
    this.scripts = this.redis as unknown as Scripts
    this.redis.on('error', (error: Error) => this.#note(false, error))
    this.redis.on('ready', () => this.#note(true))
  }

  /** Connects; stays quiet when Redis is away, because closing and escalating go on without it. */
  async open(): Promise<void> {
    try {
      await this.redis.connect()
      await this.#checkPolicy()
    } catch (error) {
      this.#note(false, error as Error)
    }
  }

  close(): void {
    this.redis.disconnect()
  }

  get reachable(): boolean {
    return this.#reachable && this.redis.status === 'ready'
  }

  /** @throws ViewUnavailable instead of whatever keeps Redis from answering. */
  async ask<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      throw new ViewUnavailable(`the Redis view does not answer: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  /** A Redis that evicts could drop one correlation ID and keep the watermark: the one loss that the view cannot see. */
  async #checkPolicy(): Promise<void> {
    const [, policy] = (await this.redis.config('GET', 'maxmemory-policy').catch(() => [])) as string[]
    if (policy !== undefined && policy !== 'noeviction')
      this.logger.warn(
        { policy },
        'Redis may evict keys, and a plan could then miss actions: set maxmemory-policy noeviction',
      )
  }

  #note(reachable: boolean, error?: Error): void {
    if (reachable === this.#reachable) return
    this.#reachable = reachable
    if (reachable) this.logger.info({}, 'the Redis view answers again')
    else this.logger.warn({ reason: error?.message }, 'the Redis view is away: planning waits')
  }
}
