import type { AssignedPartition, Assignment, TopicPartition } from '../port.js'
import { Commits } from './commits.js'
import { nameOf } from './list-offsets.js'

/** What a member holds: partitions, how far each was handed over, and which offsets are to be written. */
export class Holdings {
  readonly commits = new Commits()
  #held = new Map<string, AssignedPartition>()

  get size(): number {
    return this.#held.size
  }

  has(partition: TopicPartition): boolean {
    return this.#held.has(nameOf(partition))
  }

  partitions(): TopicPartition[] {
    return [...this.#held.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** By name, where each goes on. */
  positions(): ReadonlyMap<string, AssignedPartition> {
    return this.#held
  }

  assignment(): Assignment {
    return { partitions: new Map(this.#held) }
  }

  moved(partition: TopicPartition, position: bigint): void {
    const name = nameOf(partition)
    const held = this.#held.get(name)
    if (held !== undefined) this.#held.set(name, { ...held, position })
  }

  /** Lets go of all others. @returns how many that were. */
  keepOnly(partitions: readonly TopicPartition[]): number {
    const names = new Set(partitions.map(nameOf))
    const before = this.#held.size
    this.#held = new Map([...this.#held].filter(([name]) => names.has(name)))
    this.commits.keepOnly(names)
    return before - this.#held.size
  }

  /** @param committed by name; −1: nothing on record. */
  takeUp(found: ReadonlyMap<string, AssignedPartition>, committed: ReadonlyMap<string, bigint>): void {
    for (const [name, partition] of found) {
      const known = committed.get(name) ?? -1n
      this.#held.set(name, partition)
      this.commits.hold(partition, known < 0n ? null : known)
    }
  }
}
