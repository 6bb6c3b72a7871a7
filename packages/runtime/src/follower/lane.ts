import type { IncomingRecord } from '../kafka/port.js'

/** How long records may be handled in one go before timers, heartbeats and answers get their turn, milliseconds. */
const SLICE_MS = 8

export interface LaneHandlers {
  /** Handles one record; a promise holds the lane until it is settled. Must not reject. */
  handle(record: IncomingRecord): void | Promise<void>
  /** Everything below the end at assignment has been handled. */
  caughtUp(): void
  /** Monotonic, milliseconds. */
  elapsed(): number
  /** Lets everything else that is due have its turn. */
  giveWay(): Promise<void>
}

/**
 * The records of one partition, handled one after the other in order, off the consumer's thread of control. Lanes do
 * not wait for each other, so a record that must wait for the registry holds up its own partition only.
 */
export class Lane {
  readonly #queue: (IncomingRecord | null)[] = []
  #head = 0
  #running = false
  #closed = false
  #live = false
  #bytes = 0
  /** Next offset to handle. */
  next: bigint

  constructor(
    position: bigint,
    private readonly end: bigint,
    private readonly handlers: LaneHandlers,
  ) {
    this.next = position
  }

  /** False while history is being read again. */
  get live(): boolean {
    return this.#live
  }

  get waiting(): number {
    return this.#queue.length - this.#head
  }

  /** Values of what waits. */
  get waitingBytes(): number {
    return this.#bytes
  }

  /** Says at once that there is no history, if there is none. */
  begin(): void {
    this.#noteProgress()
  }

  push(records: readonly IncomingRecord[]): void {
    for (const record of records) {
      this.#queue.push(record)
      this.#bytes += record.value?.length ?? 0
    }
    if (!this.#running && !this.#closed) void this.#run()
  }

  /** Nothing is handled from here on. */
  close(): void {
    this.#closed = true
    this.#queue.length = 0
    this.#head = 0
    this.#bytes = 0
  }

  async #run(): Promise<void> {
    this.#running = true
    let sliceEnds = this.handlers.elapsed() + SLICE_MS
    while (!this.#closed && this.#head < this.#queue.length) {
      const record = this.#queue[this.#head]!
      // Let go at once: what was handled must not hold its memory until the queue is compacted.
      this.#queue[this.#head++] = null
      this.#bytes -= record.value?.length ?? 0
      // A rebalance may deliver again what was handled before.
      if (record.offset >= this.next) {
        const pending = this.handlers.handle(record)
        if (pending) await pending
        if (this.#closed) break
        this.next = record.offset + 1n
        this.#noteProgress()
      }
      if (this.#head > 1024 && this.#head * 2 > this.#queue.length) this.#compact()
      if (this.handlers.elapsed() > sliceEnds) {
        await this.handlers.giveWay()
        sliceEnds = this.handlers.elapsed() + SLICE_MS
      }
    }
    this.#compact()
    this.#running = false
  }

  #compact(): void {
    this.#queue.splice(0, this.#head)
    this.#head = 0
  }

  #noteProgress(): void {
    if (this.#live || this.next < this.end) return
    this.#live = true
    this.handlers.caughtUp()
  }
}
