import { type IncomingRecord, systemTimers, type Timers } from '@unwind/runtime'
import type { RedisView } from '../view/redis-view.js'
import { MAX_KEY } from '../view/stored-record.js'
import type { EndOffsets } from './end-offsets.js'

/** The view does not reach the end of the log yet. */
export class ViewBehind extends Error {
  override readonly name = 'ViewBehind'
}

/** One key holds more records than is read at once. Nobody has to wait: it does not pass by itself. */
export class TooManyRecords extends Error {
  override readonly name = 'TooManyRecords'
  readonly hint =
    'give each business transaction a correlation ID of its own; what lies under this one is undone by hand, or raise view.maxRecords of the coordinator'
}

/** What the view has now, for people. */
export interface ShownRecords {
  readonly records: readonly IncomingRecord[]
  /** More than `records` when they were limited. */
  readonly total: number
  /** The view is being built again and may lack records. */
  readonly stale: boolean
}

export interface RecordsOfKey {
  readonly partition: number
  /** Every record of the key below this offset is there. */
  readonly until: bigint
  readonly records: readonly IncomingRecord[]
}

export interface RecordSourceOptions {
  readonly view: Pick<RedisView, 'read'>
  readonly topic: string
  readonly partitionOf: (key: string) => number
  readonly ends: Pick<EndOffsets, 'now'>
  /** Somebody waits for the view of a partition: look at once whether it stands where it should. */
  onWaiting(partition: number): void
  /** Epoch ms. */
  now(): number
  /** A key with more records than this is not read for decisions. Default 10,000. */
  readonly maxRecords?: number
  /** Default: the system's. */
  readonly timers?: Timers
}

export const MAX_RECORDS = 10_000

const ASK_AGAIN_MS = 100
const LOOK_AGAIN_MS = 1_000

/** Records of one key of one topic, read from the view and only at a proven watermark (design decision 3, I8). */
export class RecordSource {
  readonly #waiters = new Map<number, Set<() => void>>()

  constructor(private readonly options: RecordSourceOptions) {}

  /** Whether somebody waits for the view of a partition. */
  awaited(partition: number): boolean {
    return this.#waiters.has(partition)
  }

  /** The view of a partition has moved. */
  moved(partition: number): void {
    const waiters = this.#waiters.get(partition)
    if (!waiters) return
    this.#waiters.delete(partition)
    for (const wake of waiters) wake()
  }

  /**
   * All records of the key that were in the log when this was called.
   * @param withinMs how long the view may take to get there.
   * @throws ViewUnavailable @throws ViewBehind naming both offsets. @throws TooManyRecords
   */
  async complete(key: string, withinMs: number): Promise<RecordsOfKey> {
    const { options } = this
    const partition = this.#partitionOf(key)
    const bounds = (await options.ends.now()).get(partition) ?? { start: 0n, end: 0n }
    // A partition without records has nothing that the view could lack.
    const needed = bounds.end > bounds.start ? bounds.end : 0n
    return this.until(key, needed, withinMs)
  }

  /** All records of the key below an offset of its partition. @throws ViewUnavailable @throws ViewBehind @throws TooManyRecords */
  async until(key: string, needed: bigint, withinMs: number): Promise<RecordsOfKey> {
    const { options } = this
    const partition = this.#partitionOf(key)
    const deadline = options.now() + withinMs
    const most = options.maxRecords ?? MAX_RECORDS
    for (;;) {
      const moved = this.#nextMove(partition, ASK_AGAIN_MS)
      const read = await options.view.read(options.topic, partition, key, most, 'none')
      const { watermark, records, total = records.length } = read
      const reached = watermark ?? 0n
      if (total > most)
        throw new TooManyRecords(
          `${JSON.stringify(shortened(key))} has ${total} records in ${options.topic}, and at most ${most} are read at once`,
        )
      if (reached >= needed) return { partition, until: reached, records }
      if (options.now() >= deadline)
        throw new ViewBehind(
          `the view of ${options.topic}/${partition} reaches ${watermark === null ? 'nothing' : `offset ${watermark}`}, the log ${needed}`,
        )
      options.onWaiting(partition)
      await moved
    }
  }

  /**
   * Whether somebody who reads the log himself has read all that it has of the key now, without a look at the view.
   * @param nextOf the first offset of a partition that he has not; null: he does not read it.
   */
  async isReached(key: string, nextOf: (partition: number) => bigint | null): Promise<boolean> {
    const partition = this.#partitionOf(key)
    const { end } = (await this.options.ends.now()).get(partition) ?? { end: 0n }
    const next = nextOf(partition)
    return next !== null && next >= end
  }

  /** What the view holds now; for people, who can look again. @param limit at most so many. @throws ViewUnavailable */
  async sofar(key: string, limit: number): Promise<ShownRecords> {
    const { view, topic, ends } = this.options
    const partition = this.#partitionOf(key)
    const read = await view.read(topic, partition, key, limit, 'first')
    const { watermark, records, total = records.length, building } = read
    // A view that is never built again says nothing of it.
    if (watermark !== null || building === undefined) return { records, total, stale: building ?? false }
    // Nothing of the partition is in the view: there is nothing, or everything was lost a moment ago.
    const bounds = (await ends.now()).get(partition)
    return { records, total, stale: building || (bounds !== undefined && bounds.end > bounds.start) }
  }

  /** Resolves when the key's partition moves in the view, after a while, or when the signal aborts. */
  changed(key: string, signal: AbortSignal): Promise<void> {
    return this.#nextMove(this.#partitionOf(key), LOOK_AGAIN_MS, signal)
  }

  #partitionOf(key: string): number {
    if (key.length > MAX_KEY)
      throw new RangeError(`a correlation ID of ${key.length} characters; at most ${MAX_KEY} are kept`)
    return this.options.partitionOf(key)
  }

  /** Resolves when this process moves the partition's view, or after a while: another process may do it. */
  #nextMove(partition: number, atMostMs: number, signal?: AbortSignal): Promise<void> {
    const waiters = this.#waiters.get(partition) ?? new Set()
    this.#waiters.set(partition, waiters)
    return new Promise(resolve => {
      const wake = () => {
        cancel()
        signal?.removeEventListener('abort', wake)
        waiters.delete(wake)
        if (waiters.size === 0 && this.#waiters.get(partition) === waiters) this.#waiters.delete(partition)
        resolve()
      }
      const cancel = (this.options.timers ?? systemTimers).after(atMostMs, wake)
      signal?.addEventListener('abort', wake, { once: true })
      waiters.add(wake)
    })
  }
}

function shortened(key: string): string {
  return key.length > 100 ? `${key.slice(0, 100)}…` : key
}
