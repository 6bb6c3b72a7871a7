/** Records a second above which a reader gathers instead of asking again at once. */
const BUSY_PER_SECOND = 2_000
const GATHER_MS = 2
/** Over so long the rate is averaged, milliseconds. */
const WINDOW_MS = 100

/**
 * How long to wait before the next fetch. A long poll answers as soon as one record is there, so under load a reader
 * would ask for each record by itself, and reader and broker would spend most of their time on requests. Above a rate at which
 * it costs nobody latency that they could notice, it lets a few milliseconds' worth gather. Below it, it never waits.
 */
export class Pace {
  #rate = 0
  #last = Number.NEGATIVE_INFINITY

  /**
   * @param records that the last fetch brought.
   * @param now monotonic milliseconds.
   * @returns milliseconds to wait; 0: not at all.
   */
  after(records: number, now: number): number {
    const elapsed = Math.max(0.1, now - this.#last)
    this.#last = now
    const weight = Math.min(1, elapsed / WINDOW_MS)
    this.#rate += ((records * 1_000) / elapsed - this.#rate) * weight
    return this.#rate > BUSY_PER_SECOND ? GATHER_MS : 0
  }
}
