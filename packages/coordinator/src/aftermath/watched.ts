/** A rollback that has ended and is looked at again. Small: one a rollback of the last day. */
export interface Watched {
  readonly rollbackId: string
  readonly correlationId: string
  readonly partition: number
  /** Offset of its end: a restart must read from here. */
  readonly from: bigint
  /** Epoch ms. */
  readonly closedAt: number
  /** Looks up to this moment were made, epoch ms. */
  upTo: number
}

/** A report that has not been judged yet. */
export interface Told {
  readonly eventId: string
  readonly rollbackId: string
  readonly partition: number
  /** Offset of the report. */
  readonly from: bigint
}

interface Held {
  /** Both in the order of the partition: the first one is the oldest. */
  readonly watched: Map<string, Watched>
  readonly told: Map<string, Told>
}

/** What this coordinator still has to look at, by partition. */
export class WatchList {
  readonly #partitions = new Map<number, Held>()
  readonly #partitionOf = new Map<string, number>()

  get size(): number {
    return this.#partitionOf.size
  }

  get(rollbackId: string): Watched | undefined {
    const partition = this.#partitionOf.get(rollbackId)
    return partition === undefined ? undefined : this.#partitions.get(partition)?.watched.get(rollbackId)
  }

  watch(watched: Watched): void {
    this.forget(watched.rollbackId)
    this.#partitionOf.set(watched.rollbackId, watched.partition)
    this.#held(watched.partition).watched.set(watched.rollbackId, watched)
  }

  forget(rollbackId: string): void {
    const partition = this.#partitionOf.get(rollbackId)
    if (partition === undefined) return
    this.#partitionOf.delete(rollbackId)
    this.#partitions.get(partition)?.watched.delete(rollbackId)
  }

  told(report: Told): void {
    const { told } = this.#held(report.partition)
    // A copy is judged with the first one, which holds the offset.
    if (!told.has(report.eventId)) told.set(report.eventId, report)
  }

  judged({ partition, eventId }: Told): void {
    this.#partitions.get(partition)?.told.delete(eventId)
  }

  holds(item: Watched | Told): boolean {
    if ('closedAt' in item) return this.get(item.rollbackId) === item
    return this.#partitions.get(item.partition)?.told.get(item.eventId) === item
  }

  of(partition: number): { readonly watched: readonly Watched[]; readonly told: readonly Told[] } {
    const held = this.#partitions.get(partition)
    return { watched: [...(held?.watched.values() ?? [])], told: [...(held?.told.values() ?? [])] }
  }

  release(partition: number): void {
    for (const { rollbackId } of this.of(partition).watched) this.#partitionOf.delete(rollbackId)
    this.#partitions.delete(partition)
  }

  oldest(partition: number): bigint | null {
    const held = this.#partitions.get(partition)
    const [watched] = held?.watched.values() ?? []
    const [told] = held?.told.values() ?? []
    if (watched && told && told.from < watched.from) return told.from
    return watched?.from ?? told?.from ?? null
  }

  #held(partition: number): Held {
    const held = this.#partitions.get(partition) ?? { watched: new Map(), told: new Map() }
    this.#partitions.set(partition, held)
    return held
  }
}
