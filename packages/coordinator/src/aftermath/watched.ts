import { type Look, type LookSettings, looksOf } from '@unwind/core'

/** A rollback that has ended and is looked at again. */
export interface Watched {
  readonly rollbackId: string
  readonly correlationId: string
  readonly partition: number
  /** Offset of its end: a restart must read from here. */
  readonly from: bigint
  readonly looks: readonly Look[]
  /** Looks up to this moment were made, epoch ms. */
  upTo: number
}

/** A report that has not been judged yet. */
export interface Told {
  readonly eventId: string
  readonly rollbackId: string
  readonly partition: number
  readonly from: bigint
}

/** What this coordinator still has to look at, by partition. */
export class WatchList {
  readonly #watched = new Map<string, Watched>()
  readonly #told = new Map<string, Told>()

  constructor(private readonly settings: LookSettings) {}

  get size(): number {
    return this.#watched.size
  }

  get(rollbackId: string): Watched | undefined {
    return this.#watched.get(rollbackId)
  }

  /** @param closedAt epoch ms. @returns whether there is anything left to look at. */
  ended(about: Omit<Watched, 'looks' | 'upTo'>, closedAt: number): Watched {
    const watched = { ...about, looks: looksOf(this.settings, closedAt), upTo: closedAt }
    this.#watched.set(about.rollbackId, watched)
    return watched
  }

  forget(rollbackId: string): void {
    this.#watched.delete(rollbackId)
  }

  told(report: Told): void {
    this.#told.set(report.eventId, report)
  }

  judged({ eventId }: Told): void {
    this.#told.delete(eventId)
  }

  holds(item: Watched | Told): boolean {
    return 'looks' in item
      ? this.#watched.get(item.rollbackId) === item
      : this.#told.get(item.eventId) === item
  }

  of(partition: number): { readonly watched: readonly Watched[]; readonly told: readonly Told[] } {
    const here = <T extends { readonly partition: number }>(items: Iterable<T>) =>
      [...items].filter(item => item.partition === partition)
    return { watched: here(this.#watched.values()), told: here(this.#told.values()) }
  }

  release(partition: number): void {
    const { watched, told } = this.of(partition)
    for (const { rollbackId } of watched) this.#watched.delete(rollbackId)
    for (const { eventId } of told) this.#told.delete(eventId)
  }

  oldest(partition: number): bigint | null {
    let oldest: bigint | null = null
    for (const items of [this.#watched, this.#told])
      for (const item of items.values())
        if (item.partition === partition && (oldest === null || item.from < oldest)) oldest = item.from
    return oldest
  }
}
