import { peekHeaders } from '@unwind/contracts'
import type { Clockwork } from '../engine/clockwork.js'
import type { Outgoing, SimRecord } from './record.js'

export const ACTIONS = 'unwind.actions'
export const LEDGER = 'unwind.rollback'

/** The broker's own memory: partitions of records, in order, for ever. */
export class SimLog {
  readonly #topics = new Map<string, SimRecord[][]>()
  readonly #watchers: ((record: SimRecord) => void)[] = []
  count = 0

  constructor(
    private readonly clock: Clockwork,
    readonly partitions: number,
  ) {
    for (const topic of [ACTIONS, LEDGER])
      this.#topics.set(
        topic,
        Array.from({ length: partitions }, () => []),
      )
  }

  /** Called for every record, in the moment in which it gets its place. */
  watch(watcher: (record: SimRecord) => void): void {
    this.#watchers.push(watcher)
  }

  /** FNV-1a: which keys share a partition matters here, not which partition it is. */
  readonly partitionOf = (key: string): number => {
    let hash = 0x811c9dc5
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    return (hash >>> 0) % this.partitions
  }

  append(out: Outgoing): SimRecord {
    const partition = this.partitionOf(out.key)
    const records = this.partition(out.topic, partition)
    // Field by field: adding to a spread object costs more than all the rest of this.
    const record: SimRecord = {
      topic: out.topic,
      key: out.key,
      event: out.event,
      keyId: out.keyId,
      forged: out.forged,
      headers: out.headers,
      peek: peekHeaders(out.headers),
      partition,
      offset: BigInt(records.length),
      timestamp: this.clock.now,
      value: null,
    }
    records.push(record)
    this.count++
    for (const watcher of this.#watchers) watcher(record)
    return record
  }

  partition(topic: string, partition: number): SimRecord[] {
    return this.#topics.get(topic)![partition]!
  }

  end(topic: string, partition: number): number {
    return this.partition(topic, partition).length
  }

  *all(): Iterable<SimRecord> {
    for (const partitions of this.#topics.values()) for (const records of partitions) yield* records
  }
}
