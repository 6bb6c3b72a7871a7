import type { IncomingRecord } from '@unwind/runtime'

/** Records held back at most, so that a long history does not fill the memory. */
const HOLD = 20_000

/**
 * Puts what already lay in the log into the order of its timestamps, since partitions arrive one after the other;
 * what comes after that is passed on as it comes. The order within a partition is never changed.
 */
export class History {
  #held: IncomingRecord[] | null = []

  constructor(private readonly pass: (records: readonly IncomingRecord[]) => void) {}

  take(records: readonly IncomingRecord[]): void {
    if (this.#held === null) this.pass(records)
    else {
      for (const record of records) this.#held.push(record)
      if (this.#held.length >= HOLD) this.#release([])
    }
  }

  caughtUp(): void {
    this.#release(null)
  }

  #release(next: IncomingRecord[] | null): void {
    const held = this.#held ?? []
    this.#held = next
    this.pass(inTimeOrder(held))
  }
}

/** Merges partitions by timestamp. Timestamps of one partition may go back; its records still keep their order. */
export function inTimeOrder(records: readonly IncomingRecord[]): IncomingRecord[] {
  const latest = new Map<string, number>()
  return records
    .map((record, index) => {
      const partition = `${record.topic}/${record.partition}`
      const at = Math.max(record.timestamp, latest.get(partition) ?? 0)
      latest.set(partition, at)
      return { record, at, index }
    })
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(item => item.record)
}
