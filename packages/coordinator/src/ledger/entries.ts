import type { Coordination } from '@unwind/core'

/** One open rollback of this coordinator. */
export interface Entry {
  readonly rollbackId: string
  readonly correlationId: string
  readonly partition: number
  /** A restart must read from here. */
  readonly readFrom: bigint
  /** Offset of the latest request: a system that has committed beyond it has read it. */
  requestedAt: bigint
  state: Coordination
  traceparent: string | null
}

/** Open rollbacks by partition, each partition's in the order in which they came here. */
export class Entries {
  readonly #partitions = new Map<number, Map<string, Entry>>()

  get size(): number {
    let sum = 0
    for (const entries of this.#partitions.values()) sum += entries.size
    return sum
  }

  get(partition: number, rollbackId: string): Entry | undefined {
    return this.#partitions.get(partition)?.get(rollbackId)
  }

  /** By its ID alone: the partition is not known to whoever asks. */
  find(rollbackId: string): Entry | undefined {
    for (const entries of this.#partitions.values()) {
      const entry = entries.get(rollbackId)
      if (entry) return entry
    }
    return undefined
  }

  all(): readonly Entry[] {
    return [...this.#partitions.values()].flatMap(entries => [...entries.values()])
  }

  of(partition: number): readonly Entry[] {
    return [...(this.#partitions.get(partition)?.values() ?? [])]
  }

  /** From where a restart must read the partition. What was read back came here after others that began behind it. */
  readFrom(partition: number): bigint | null {
    let oldest: bigint | null = null
    for (const { readFrom } of this.#partitions.get(partition)?.values() ?? [])
      if (oldest === null || readFrom < oldest) oldest = readFrom
    return oldest
  }

  add(entry: Entry): void {
    const entries = this.#partitions.get(entry.partition) ?? new Map<string, Entry>()
    this.#partitions.set(entry.partition, entries.set(entry.rollbackId, entry))
  }

  holds(entry: Entry): boolean {
    return this.get(entry.partition, entry.rollbackId) === entry
  }

  delete(entry: Entry): void {
    this.#partitions.get(entry.partition)?.delete(entry.rollbackId)
  }

  release(partition: number): readonly Entry[] {
    const released = this.of(partition)
    this.#partitions.delete(partition)
    return released
  }
}
