/** First offset still in the log and the offset after the last one, by partition. */
export type Offsets = ReadonlyMap<number, { readonly start: bigint; readonly end: bigint }>

/**
 * Ends of a topic's partitions as they are at some moment after the call. Calls that come while a request is under way
 * share the next one: its answer is newer than all of them.
 */
export class EndOffsets {
  #running: Promise<Offsets> | null = null
  #next: Promise<Offsets> | null = null

  constructor(private readonly fetch: () => Promise<Offsets>) {}

  now(): Promise<Offsets> {
    if (this.#running === null) return this.#begin()
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    )
    return this.#next
  }

  #begin(): Promise<Offsets> {
    this.#next = null
    const running = this.fetch().finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
    return running
  }
}
