import { type IncomingRecord, systemTimers, type Timers } from '@unwind/runtime'
import type { RedisView } from '../view/redis-view.js'
import { MAX_KEY } from '../view/stored-record.js'
import type { EndOffsets } from './end-offsets.js'

/** The view does not reach the end of the log yet. */
export class ViewBehind extends Error {
  override readonly name = 'ViewBehind'
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
  /** Somebody waits for the view: look at once whether it stands where it should. */
  onWaiting(): void
  /** Epoch ms. */
  now(): number
  /** Default: the system's. */
  readonly timers?: Timers
}

const ASK_AGAIN_MS = 100
const LOOK_AGAIN_MS = 1_000

/** Records of one key of one topic, read from the view and only at a proven watermark (design decision 3, I8). */
export class RecordSource {
  readonly #waiters = new Map<number, Set<() => void>>()

  constructor(private readonly options: RecordSourceOptions) {}

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
   * @throws ViewUnavailable @throws ViewBehind naming both offsets.
   */
  async complete(key: string, withinMs: number): Promise<RecordsOfKey> {
    const { options } = this
    const partition = this.#partitionOf(key)
    const bounds = (await options.ends.now()).get(partition) ?? { start: 0n, end: 0n }
    // A partition without records has nothing that the view could lack.
    const needed = bounds.end > bounds.start ? bounds.end : 0n
    return this.until(key, needed, withinMs)
  }

  /** All records of the key below an offset of its partition. @throws ViewUnavailable @throws ViewBehind */
  async until(key: string, needed: bigint, withinMs: number): Promise<RecordsOfKey> {
    const { options } = this
    const partition = this.#partitionOf(key)
    const deadline = options.now() + withinMs
    for (;;) {
      const moved = this.#nextMove(partition, ASK_AGAIN_MS)
      const { watermark, records } = await options.view.read(options.topic, partition, key)
      const reached = watermark ?? 0n
      if (reached >= needed) return { partition, until: reached, records }
      if (options.now() >= deadline)
        throw new ViewBehind(
          `the view of ${options.topic}/${partition} reaches ${watermark === null ? 'nothing' : `offset ${watermark}`}, the log ${needed}`,
        )
      options.onWaiting()
      await moved
    }
  }

  /** What the view holds now; for people, who can look again. @throws ViewUnavailable */
  async sofar(key: string): Promise<readonly IncomingRecord[]> {
    return (await this.options.view.read(this.options.topic, this.#partitionOf(key), key)).records
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
        resolve()
      }
      const cancel = (this.options.timers ?? systemTimers).after(atMostMs, wake)
      signal?.addEventListener('abort', wake, { once: true })
      waiters.add(wake)
    })
  }
}
