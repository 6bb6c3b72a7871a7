import { type IncomingRecord, Pace, type TopicPartition } from '@unwind/runtime'
import { ViewUnavailable } from './connection.js'

export interface LaneOptions {
  readonly partition: TopicPartition
  /** First offset that is delivered to this lane. */
  readonly position: bigint
  /** Where the view's records of this partition begin, i.e. the log's start, now. */
  logStart(): Promise<bigint>
  /** The log's end, now. */
  logEnd(): Promise<bigint>
  readonly view: {
    append(
      topic: string,
      partition: number,
      expected: bigint | null,
      next: bigint,
      records: readonly IncomingRecord[],
      until?: bigint | null,
    ): Promise<null | { readonly watermark: bigint | null }>
    watermarks(topic: string): Promise<ReadonlyMap<number, bigint>>
    forget(topic: string, partition: number): Promise<void>
  }
  /** The records of this partition below an offset, from the log. */
  history(until: bigint): AsyncIterable<readonly IncomingRecord[]>
  /** The view holds everything below this offset. */
  onWritten(next: bigint, records: number): void
  /** Fewer records wait than the consumer should hold back for. */
  onRoom(): void
  /** Whether somebody waits for what is not written yet. */
  awaited(): boolean
  readonly logger: {
    warn(fields: object, message: string): void
    info(fields: object, message: string): void
  }
}

const BATCH_RECORDS = 1_000
const BATCH_BYTES = 1024 * 1024
/**
 * Of a busy partition, a call of the script for each record would cost more than the record: above so many a second, the
 * view may be a moment late, unless somebody waits for it.
 */
const PACE = { busyPerSecond: 60, gatherMs: 200 } as const
/** So many are worth a write without waiting for more. */
const ENOUGH = 100
const RETRY_MS = [50, 100, 250, 500, 1_000, 2_000]

/**
 * Carries one partition into the view, batch by batch, each only onto the watermark that the one before it left. Where
 * the view stands elsewhere (flushed, restored, written by another process) the lane first finds common ground: it
 * passes over what the view has, and reads again from the log what the view lacks.
 */
export class Lane {
  readonly #waiting: IncomingRecord[] = []
  #head = 0
  #closed = false
  #running = false
  /** What the view's watermark is when it agrees with this lane. Undefined: not known, ask. */
  #expected: bigint | null | undefined
  /** Next offset to write. */
  #next: bigint
  /** The log's end when the view was found empty: until there, what it holds is not all. */
  #until: bigint | null = null
  readonly #pace = new Pace(PACE)
  #endGathering: () => void = () => {}

  constructor(private readonly options: LaneOptions) {
    this.#next = options.position
    this.#kick()
  }

  get waiting(): number {
    return this.#waiting.length - this.#head
  }

  push(records: readonly IncomingRecord[]): void {
    if (this.#closed) return
    for (const record of records) this.#waiting.push(record)
    if (this.waiting >= ENOUGH) this.hurry()
    this.#kick()
  }

  /** Somebody waits for what is not written yet. */
  hurry(): void {
    this.#endGathering()
  }

  /** Compares with the watermark found in the view; on a difference the lane looks for common ground by itself. */
  compare(found: bigint | null): void {
    if (this.#running || this.#expected === undefined || found === this.#expected) return
    this.#expected = undefined
    this.#kick()
  }

  close(): void {
    this.#closed = true
    this.#waiting.length = 0
    this.#head = 0
    this.hurry()
  }

  #kick(): void {
    if (!this.#running && !this.#closed) void this.#run()
  }

  async #run(): Promise<void> {
    this.#running = true
    let failures = 0
    while (!this.#closed) {
      try {
        if (this.#expected === undefined) await this.#agree()
        else await this.#gather()
        if (this.#closed || !(await this.#writeNext())) break
        failures = 0
      } catch (error) {
        if (failures++ === 0) this.#say(error)
        await new Promise(resolve => setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]))
        // Whether the last write arrived is not known: ask.
        this.#expected = undefined
      }
    }
    this.#running = false
    if (!this.#closed && this.waiting > 0) this.#kick()
  }

  async #gather(): Promise<void> {
    if (this.waiting === 0 || this.waiting >= ENOUGH || this.options.awaited()) return
    const ms = this.#pace.gather(performance.now())
    if (ms === 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#endGathering = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** @returns false when nothing waits. */
  async #writeNext(): Promise<boolean> {
    const batch = this.#peek()
    const last = batch.at(-1)
    if (!last || this.#expected === undefined) return this.#expected === undefined
    const { topic, partition } = this.options.partition
    const next = last.offset + 1n
    const refused = await this.options.view.append(topic, partition, this.#expected, next, batch, this.#until)
    if (this.#closed) return false
    if (refused) {
      this.#expected = undefined
      return true
    }
    this.#until = null
    this.#head += batch.length
    this.#compact()
    this.#wrote(next, batch.length)
    return true
  }

  #wrote(next: bigint, records: number): void {
    this.#pace.note(records, performance.now())
    this.#expected = next
    this.#next = next
    this.options.onWritten(next, records)
    this.options.onRoom()
  }

  async #agree(): Promise<void> {
    const { view, partition, logger } = this.options
    const found = (await view.watermarks(partition.topic)).get(partition.partition) ?? null
    if (found !== null && found >= this.#next) {
      if (found > (await this.options.logEnd())) {
        // The view is of another log, e.g. of topics that were created anew.
        logger.warn(
          { ...where(partition), watermark: String(found) },
          'the view is ahead of the log: it is built anew',
        )
        await view.forget(partition.topic, partition.partition)
        return this.#agree()
      }
      this.#next = found
      this.#expected = found
      this.#skipWritten()
      this.options.onWritten(found, 0)
      return
    }
    if (found === null) this.#until = await this.options.logEnd()
    if (found === null && this.#next <= (await this.options.logStart())) {
      this.#expected = null
      return
    }
    await this.#catchUp(found)
  }

  /** Reads again from the log what lies between the view's watermark and the next record of this lane. */
  async #catchUp(found: bigint | null): Promise<void> {
    const { view, partition, logger } = this.options
    const until = this.#next
    const lacks = {
      ...where(partition),
      watermark: found === null ? null : String(found),
      until: String(until),
    }
    logger.info(lacks, 'the view lacks records: reading them again from the log')
    let expected = found
    const write = async (next: bigint, records: readonly IncomingRecord[]) => {
      const refused = await view.append(
        partition.topic,
        partition.partition,
        expected,
        next,
        records,
        this.#until,
      )
      if (refused)
        throw new ViewUnavailable(`another process writes ${partition.topic}/${partition.partition}`)
      this.#until = null
      expected = next
      this.options.onWritten(next, records.length)
    }
    for await (const batch of this.options.history(until)) {
      if (this.#closed) return
      const missing = found === null ? batch : batch.filter(record => record.offset >= found)
      const last = missing.at(-1)
      if (last) await write(last.offset + 1n, missing)
    }
    if (this.#closed) return
    // Whatever retention has taken from the log is no longer part of the truth that the view mirrors.
    if (expected !== until) await write(until, [])
    this.#expected = until
  }

  #peek(): readonly IncomingRecord[] {
    this.#skipWritten()
    let bytes = 0
    let end = this.#head
    while (end < this.#waiting.length && end - this.#head < BATCH_RECORDS && bytes < BATCH_BYTES)
      bytes += this.#waiting[end++]!.value?.length ?? 0
    return this.#waiting.slice(this.#head, end)
  }

  #skipWritten(): void {
    while (this.#head < this.#waiting.length && this.#waiting[this.#head]!.offset < this.#next) this.#head++
    this.#compact()
  }

  #compact(): void {
    if (this.#head < 1_024 && this.#head < this.#waiting.length) return
    this.#waiting.splice(0, this.#head)
    this.#head = 0
  }

  #say(error: unknown): void {
    const { partition, logger } = this.options
    logger.warn(
      { ...where(partition), reason: String(error) },
      'the view cannot be written; its records wait',
    )
  }
}

function where({ topic, partition }: TopicPartition) {
  return { topic, partition }
}
