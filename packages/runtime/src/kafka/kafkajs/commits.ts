import type { TopicPartition } from '../port.js'
import { nameOf } from './list-offsets.js'

interface Noted extends TopicPartition {
  next: bigint
  written: bigint
}

/** Offsets that were noted and when they were written. Only forward: an earlier offset than the last noted is ignored. */
export class Commits {
  readonly #noted = new Map<string, Noted>()

  /** Begins to keep a partition. @param committed what the group has on record; null: nothing. */
  hold(partition: TopicPartition, committed: bigint | null): void {
    const floor = committed ?? -1n
    const { topic, partition: number } = partition
    this.#noted.set(nameOf(partition), { topic, partition: number, next: floor, written: floor })
  }

  /** What is lost is not written any more: its new owner speaks for it. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of [...this.#noted.keys()]) if (!names.has(name)) this.#noted.delete(name)
  }

  note(partition: TopicPartition, next: bigint): void {
    const noted = this.#noted.get(nameOf(partition))
    if (noted !== undefined && next > noted.next) noted.next = next
  }

  due(): (TopicPartition & { readonly next: bigint })[] {
    return [...this.#noted.values()]
      .filter(one => one.next > one.written)
      .map(({ topic, partition, next }) => ({ topic, partition, next }))
  }

  written(offsets: readonly (TopicPartition & { readonly next: bigint })[]): void {
    for (const one of offsets) {
      const noted = this.#noted.get(nameOf(one))
      if (noted !== undefined && one.next > noted.written) noted.written = one.next
    }
  }
}
