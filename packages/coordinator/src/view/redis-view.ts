import type { Failpoint, IncomingRecord } from '@unwind/runtime'
import { Redis } from 'ioredis'
import { packBatch, packRollbacks, packTouched } from './packing.js'
import { APPEND, READ, TOUCHED } from './scripts.js'
import { unpackRecord } from './stored-record.js'
import { placeName, TOUCHED_KEPT } from './touched.js'

export interface ViewOptions {
  readonly failpoint?: Failpoint
  /** Whether a record is worth keeping; a watermark passes over the others all the same. Default: all are. */
  keeps?(record: IncomingRecord): boolean
  /** redis:// or rediss:// URL. */
  readonly url: string
  /** Before every key; one view a prefix. */
  readonly prefix: string
  /** How long the records of a correlation ID stay after the last one, milliseconds. At least the retention of the actions topic. */
  readonly keepMs: number
  readonly logger: {
    warn(fields: object, message: string): void
    info(fields: object, message: string): void
  }
}

/** The view cannot be asked or written. What is read from it must wait; the log is not touched by that. */
export class ViewUnavailable extends Error {
  override readonly name = 'ViewUnavailable'
}

export interface ReadRecords {
  /** Every record of the key that lies below this offset of its partition is among them. Null: the view is empty. */
  readonly watermark: bigint | null
  readonly records: readonly IncomingRecord[]
}

export interface Place {
  readonly system: string
  readonly resource: string
}

export interface Touched {
  /** Every record below these offsets is in the index. */
  readonly watermarks: ReadonlyMap<number, bigint>
  /** For each place, in order. */
  readonly by: readonly (readonly string[])[]
}

const RECENT_KEPT = 10_000
const CONNECT_MS = 2_000
/** A slow answer means that Redis is away: callers say so instead of hanging. */
const ANSWER_MS = 5_000

interface Scripted {
  unwindAppend(...args: (string | Buffer)[]): Promise<number | string>
  unwindTouched(...args: string[]): Promise<[string[], string[][]]>
  unwindReadBuffer(...args: (string | Buffer)[]): Promise<[Buffer, Buffer[]]>
}

/** The Redis view of the actions topic and the ledger: raw records by correlation ID, and how far each partition is in it. */
export class RedisView {
  readonly #redis: Redis
  readonly #scripted: Scripted
  #reachable = true

  constructor(private readonly options: ViewOptions) {
    this.#redis = new Redis(options.url, {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: ANSWER_MS,
      // Nothing may wait in a queue of unknown length: who asks while Redis is away is told so at once.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: attempt => Math.min(2_000, 50 * 2 ** Math.min(attempt, 6)),
    })
    this.#redis.defineCommand('unwindAppend', { numberOfKeys: 2, lua: APPEND })
    this.#redis.defineCommand('unwindRead', { numberOfKeys: 2, lua: READ })
    this.#redis.defineCommand('unwindTouched', { lua: TOUCHED })
    this.#scripted = this.#redis as unknown as Scripted
    this.#redis.on('error', (error: Error) => this.#note(false, error))
    this.#redis.on('ready', () => this.#note(true))
  }

  /** Connects; stays quiet when Redis is away, because closing and escalating go on without it. */
  async start(): Promise<void> {
    try {
      await this.#redis.connect()
      await this.#checkPolicy()
    } catch (error) {
      this.#note(false, error as Error)
    }
  }

  stop(): void {
    this.#redis.disconnect()
  }

  get reachable(): boolean {
    return this.#reachable && this.#redis.status === 'ready'
  }

  /**
   * Adds a batch of one partition and moves its watermark from `expected` to `next`.
   * @returns null when that was done; otherwise the watermark found, with nothing changed. @throws ViewUnavailable
   */
  async append(
    topic: string,
    partition: number,
    expected: bigint | null,
    next: bigint,
    records: readonly IncomingRecord[],
  ): Promise<null | { readonly watermark: bigint | null }> {
    const { prefix, keepMs, keeps = () => true, failpoint = async () => undefined } = this.options
    const kept = records.filter(keeps)
    await failpoint('view.before-append')
    const answer = await this.#asking(
      this.#scripted.unwindAppend(
        this.#watermarks(topic),
        `${prefix}:recent`,
        String(partition),
        expected === null ? '' : String(expected),
        String(next),
        `${prefix}:records:${topic}:`,
        String(Math.ceil(keepMs / 1_000)),
        packBatch(kept),
        packRollbacks(kept),
        `${prefix}:rollback:`,
        String(RECENT_KEPT),
        packTouched(kept),
        this.#touched(topic),
        String(TOUCHED_KEPT),
      ),
    )
    await failpoint('view.after-append')
    return answer === 1 ? null : { watermark: toOffset(String(answer)) }
  }

  /** Everything that the view holds of a key, and how far its partition is in the view. @throws ViewUnavailable */
  async read(topic: string, partition: number, key: string): Promise<ReadRecords> {
    const [watermark, packed] = await this.#asking(
      this.#scripted.unwindReadBuffer(
        `${this.options.prefix}:records:${topic}:${key}`,
        this.#watermarks(topic),
        String(partition),
      ),
    )
    const records = unpacked(packed, topic, key)
    records.sort((a, b) => (a.offset < b.offset ? -1 : 1))
    return { watermark: toOffset(watermark.toString()), records }
  }

  /**
   * Correlation IDs whose records claim to have touched each of these resources, latest first, and how far each partition
   * is in the view. They are claims until the records are verified. @throws ViewUnavailable
   */
  async touched(topic: string, places: readonly Place[], most: number): Promise<Touched> {
    const keys = [
      this.#watermarks(topic),
      ...places.map(p => this.#touched(topic) + placeName(p.system, p.resource)),
    ]
    const [marks, found] = await this.#asking(
      this.#scripted.unwindTouched(String(keys.length), ...keys, String(most)),
    )
    return {
      watermarks: new Map(pairs(marks).map(([partition, offset]) => [Number(partition), BigInt(offset)])),
      by: found.map(flat => pairs(flat).map(([correlationId]) => correlationId)),
    }
  }

  /** @returns next offset of each partition that the view has begun. @throws ViewUnavailable */
  async watermarks(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const all = await this.#asking(this.#redis.hgetall(this.#watermarks(topic)))
    return new Map(Object.entries(all).map(([partition, offset]) => [Number(partition), BigInt(offset)]))
  }

  /** Declares the view of a partition void; its projector fills it again. @throws ViewUnavailable */
  async forget(topic: string, partition: number): Promise<void> {
    await this.#asking(this.#redis.hdel(this.#watermarks(topic), String(partition)))
  }

  /** Correlation IDs under which records name this rollback; they are claims until the records are verified. @throws ViewUnavailable */
  async correlationsOf(rollbackId: string): Promise<readonly string[]> {
    return this.#asking(this.#redis.smembers(`${this.options.prefix}:rollback:${rollbackId}`))
  }

  /** Latest rollbacks first. @throws ViewUnavailable */
  async recentRollbacks(limit: number): Promise<readonly string[]> {
    return this.#asking(this.#redis.zrevrange(`${this.options.prefix}:recent`, 0, limit - 1))
  }

  #touched(topic: string): string {
    return `${this.options.prefix}:touched:${topic}:`
  }

  #watermarks(topic: string): string {
    return `${this.options.prefix}:watermarks:${topic}`
  }

  async #asking<T>(answer: Promise<T>): Promise<T> {
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
    const [, policy] = (await this.#redis.config('GET', 'maxmemory-policy').catch(() => [])) as string[]
    if (policy !== undefined && policy !== 'noeviction')
      this.options.logger.warn(
        { policy },
        'Redis may evict keys, and a plan could then miss actions: set maxmemory-policy noeviction',
      )
  }

  #note(reachable: boolean, error?: Error): void {
    if (reachable === this.#reachable) return
    this.#reachable = reachable
    if (reachable) this.options.logger.info({}, 'the Redis view answers again')
    else this.options.logger.warn({ reason: error?.message }, 'the Redis view is away: planning waits')
  }
}

function toOffset(text: string): bigint | null {
  return text === '' ? null : BigInt(text)
}

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const)
}

/** Bytes that are not the projector's, whoever wrote them, are no answer: it is the view that is to blame, not who asks. */
function unpacked(packed: readonly Buffer[], topic: string, key: string): IncomingRecord[] {
  try {
    return packed.map(bytes => unpackRecord(topic, key, bytes))
  } catch (error) {
    throw new ViewUnavailable(
      `what Redis holds of ${JSON.stringify(key)} is not what was written (${(error as Error).message}); flush the view, it rebuilds itself`,
      { cause: error },
    )
  }
}
