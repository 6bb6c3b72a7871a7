import type { OutgoingRecord, WrittenAt } from '../port.js'
import { recordLength } from './wire/encode-batch.js'

/** A record on its way, with the promise that `publish` gave out. */
export interface Parcel {
  readonly record: OutgoingRecord
  readonly bytes: number
  /** Epoch ms at which publishing it has failed. */
  readonly deadline: number
  resolve(at: WrittenAt): void
  reject(error: Error): void
}

/** What waits for the send that is in flight, in order of the calls, cut into sends by bytes and count. */
export class SendQueue {
  #waiting: Parcel[] = []
  #head = 0

  constructor(
    readonly maxBytes: number,
    readonly maxRecords: number,
  ) {}

  get length(): number {
    return this.#waiting.length - this.#head
  }

  /** @returns upper bound of the record's bytes on the wire. */
  static measure(record: OutgoingRecord): number {
    return recordLength(record)
  }

  push(parcel: Parcel): void {
    this.#waiting.push(parcel)
  }

  /** The next send: as much as fits, at least one. */
  take(): Parcel[] {
    const batch: Parcel[] = []
    let bytes = 0
    while (this.#head < this.#waiting.length && batch.length < this.maxRecords) {
      const next = this.#waiting[this.#head]!
      if (batch.length > 0 && bytes + next.bytes > this.maxBytes) break
      batch.push(next)
      bytes += next.bytes
      this.#head++
    }
    // Shifting an array of thousands one by one would cost more than the send.
    if (this.#head > 4_096 || this.#head === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    return batch
  }
}
