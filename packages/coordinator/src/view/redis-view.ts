import { randomBytes } from 'node:crypto'
import type { Failpoint, IncomingRecord } from '@unwind/runtime'
import { type ConnectionLog, ViewConnection, ViewUnavailable } from './connection.js'
import type { IndexEntry } from './index-entry.js'
import { packBatch, packTouched } from './packed.js'
import { RollbackIndex } from './rollback-index.js'
import { unpackRecord } from './stored-record.js'
import { placeName, TOUCHED_KEPT } from './touched.js'
import { digestOf, type ViewDigest } from './view-digest.js'

export interface ViewOptions {
  readonly failpoint?: Failpoint
  /** Whether a record is worth keeping; a watermark passes over the others all the same. Default: all are. */
  keeps?(record: IncomingRecord): boolean
  /** What a record says of its rollback, for lists. Default: nothing. */
  indexed?(record: IncomingRecord): Promise<IndexEntry | null>
  /** redis:// or rediss:// URL. */
  readonly url: string
  /** Before every key; one view a prefix. */
  readonly prefix: string
  /** How long the records of a correlation ID stay after the last one, milliseconds. At least the retention of the actions topic. */
  readonly keepMs: number
  readonly logger: ConnectionLog
}

export interface ReadRecords {
  /** Every record of the key that lies below this offset of its partition is among them. Null: the view is empty. */
  readonly watermark: bigint | null
  readonly records: readonly IncomingRecord[]
  /** How many records of the key the view holds; more than `records` when they were limited. Absent: all are there. */
  readonly total?: number
  /** The partition's view is being built again: this is not all of it yet, or left from before. Absent: no. */
  readonly building?: boolean
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

/** Keys of another layout are not ours: a view of an older version is built anew beside what it left. */
const LAYOUT = 'v3'
/** The Redis view of the actions topic and the ledger: raw records by correlation ID, and how far each partition is in it. */
export class RedisView {
  readonly #connection: ViewConnection
  readonly #base: string
  /** Rollbacks by state, system, class and time. */
  readonly index: RollbackIndex

  constructor(private readonly options: ViewOptions) {
    this.#base = `${options.prefix}:${LAYOUT}`
    this.#connection = new ViewConnection(options.url, options.logger)
    this.index = new RollbackIndex(this.#connection.redis, `${this.#base}:index:`, answer =>
      this.#connection.ask(answer),
    )
  }

  /** Connects; stays quiet when Redis is away, because closing and escalating go on without it. */
  start(): Promise<void> {
    return this.#connection.open()
  }

  stop(): void {
    this.#connection.close()
  }

  get reachable(): boolean {
    return this.#connection.reachable
  }

  /**
   * Adds a batch of one partition and moves its watermark from `expected` to `next`.
   * @param until the log's end when the building of this view began: up to there what is read is marked as stale.
   * @returns null when that was done; otherwise the watermark found, with nothing changed. @throws ViewUnavailable
   */
  async append(
    topic: string,
    partition: number,
    expected: bigint | null,
    next: bigint,
    records: readonly IncomingRecord[],
    until: bigint | null = null,
  ): Promise<null | { readonly watermark: bigint | null }> {
    const { keepMs, keeps = () => true, failpoint = async () => undefined } = this.options
    const kept = records.filter(keeps)
    const entries = await this.#entries(kept)
    await failpoint('view.before-append')
    const answer = await this.#connection.ask(
      this.#connection.scripts.unwindAppend(
        this.#watermarks(topic),
        this.#buildings(topic),
        String(partition),
        expected === null ? '' : String(expected),
        String(next),
        this.#records(topic),
        String(Math.ceil(keepMs / 1_000)),
        packBatch(kept),
        entries.length === 0 ? '' : JSON.stringify(entries),
        `${this.#base}:index:`,
        randomBytes(6).toString('base64url'),
        until === null ? '' : String(until),
        packTouched(kept),
        this.#touched(topic),
        String(TOUCHED_KEPT),
      ),
    )
    await failpoint('view.after-append')
    return answer === 1 ? null : { watermark: toOffset(String(answer)) }
  }

  /**
   * What the view holds of a key, and how far its partition is in the view.
   * @param limit at most so many; `total` says how many there are.
   * @param beyond what is given where there are more: the first ones, or none. @throws ViewUnavailable
   */
  async read(
    topic: string,
    partition: number,
    key: string,
    limit: number,
    beyond: 'first' | 'none',
  ): Promise<ReadRecords> {
    const [watermark, building, until, total, [name, ...packed]] = await this.#connection.ask(
      this.#connection.scripts.unwindReadBuffer(
        `${this.#records(topic)}${key}`,
        this.#watermarks(topic),
        this.#buildings(topic),
        String(partition),
        String(limit),
        beyond,
      ),
    )
    const reached = toOffset(watermark.toString())
    const isBuilding = until.length > 0
    // Left from an earlier building: shown while the view is built again, and no part of one that is complete (I8).
    if (name !== undefined && !name.equals(building) && !isBuilding && reached !== null)
      return { watermark: reached, records: [], total: 0, building: false }
    const records = unpacked(packed, topic, key)
    return { watermark: reached, records, total: Number(total.toString()), building: isBuilding }
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
    const [marks, found] = await this.#connection.ask(
      this.#connection.scripts.unwindTouched(String(keys.length), ...keys, String(most)),
    )
    return {
      watermarks: new Map(pairs(marks).map(([partition, offset]) => [Number(partition), BigInt(offset)])),
      by: found.map(flat => pairs(flat).map(([correlationId]) => correlationId)),
    }
  }

  /** @returns next offset of each partition that the view has begun. @throws ViewUnavailable */
  async watermarks(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const all = await this.#connection.ask(this.#connection.redis.hgetall(this.#watermarks(topic)))
    return new Map(Object.entries(all).map(([partition, offset]) => [Number(partition), BigInt(offset)]))
  }

  /** Declares the view of a partition void; its projector fills it again. @throws ViewUnavailable */
  async forget(topic: string, partition: number): Promise<void> {
    await this.#connection.ask(
      this.#connection.scripts.unwindForget(
        this.#watermarks(topic),
        this.#buildings(topic),
        String(partition),
      ),
    )
  }

  /** Declares the view of these topics void, and the index with it; what it holds is served as stale meanwhile. @throws ViewUnavailable */
  async forgetAll(topics: readonly string[]): Promise<void> {
    const keys = topics.flatMap(topic => [this.#watermarks(topic), this.#buildings(topic)])
    const name = randomBytes(6).toString('base64url')
    const old = await this.#connection.ask(
      this.#connection.scripts.unwindForgetAll(1 + keys.length, `${this.#base}:index:name`, ...keys, name),
    )
    await this.index.drop(old)
  }

  /** Offsets that the view of a partition has to reach until it is complete again; empty: it is. @throws ViewUnavailable */
  async building(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const all = await this.#connection.ask(this.#connection.redis.hgetall(this.#buildings(topic)))
    const open = Object.entries(all).filter(([name]) => name.endsWith('.until'))
    return new Map(open.map(([name, until]) => [Number(name.slice(0, -'.until'.length)), BigInt(until)]))
  }

  /** One number for all that the view holds of these topics (I8). @throws ViewUnavailable */
  digest(topics: readonly string[]): Promise<ViewDigest> {
    return this.#connection.ask(
      digestOf(this.#connection.redis, topics, topic => ({
        records: this.#records(topic),
        buildings: this.#buildings(topic),
        watermarks: this.#watermarks(topic),
      })),
    )
  }

  /**
   * Notes something under a name, unless there is a note already. Notes are lost with the view: what must hold follows
   * from the ledger.
   * @returns the note that was there; null: it is noted now. @throws ViewUnavailable
   */
  async note(name: string, text: string, keepMs: number): Promise<string | null> {
    const key = `${this.#base}:note:${name}`
    const set = await this.#connection.ask(this.#connection.redis.set(key, text, 'PX', keepMs, 'NX'))
    return set === 'OK' ? null : this.#connection.ask(this.#connection.redis.get(key))
  }

  /** Replaces a note. @throws ViewUnavailable */
  async renote(name: string, text: string, keepMs: number): Promise<void> {
    await this.#connection.ask(this.#connection.redis.set(`${this.#base}:note:${name}`, text, 'PX', keepMs))
  }

  async #entries(records: readonly IncomingRecord[]): Promise<readonly IndexEntry[]> {
    const { indexed } = this.options
    if (!indexed) return []
    const found = await Promise.all(records.map(record => indexed(record)))
    return found.filter(entry => entry !== null)
  }

  #records(topic: string): string {
    return `${this.#base}:records:${topic}:`
  }

  #touched(topic: string): string {
    return `${this.#base}:touched:${topic}:`
  }

  #watermarks(topic: string): string {
    return `${this.#base}:watermarks:${topic}`
  }

  #buildings(topic: string): string {
    return `${this.#base}:buildings:${topic}`
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
