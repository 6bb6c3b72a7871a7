/** Over so long the rate is averaged, milliseconds. */
const WINDOW_MS = 100

export interface PaceOptions {
  /** Records a second from which on gathering pays. */
  readonly busyPerSecond: number
  /** How long to gather then, milliseconds. */
  readonly gatherMs: number
}

/**
 * A long poll answers as soon as one record is there. One rollback after the other brings some 400 records a second; from
 * well above that, nobody notices a few milliseconds.
 */
export const FETCH_PACE: PaceOptions = { busyPerSecond: 800, gatherMs: 15 }
/** A participant writes a record or two a rollback; one rollback after the other makes at most some 150 a second, those of the coordinator. */
export const SEND_PACE: PaceOptions = { busyPerSecond: 180, gatherMs: 10 }

/**
 * How long to wait before the next request. Under load, a request for each record by itself would be most of the work of
 * client and broker (and each send costs a signature, which every reader verifies), so a few milliseconds' worth may gather.
 * Below the given rate it never waits.
 */
export class Pace {
  #rate = 0
  #last = Number.NEGATIVE_INFINITY

  constructor(private readonly options: PaceOptions) {}

  /**
   * Notes what a request carried.
   * @param now monotonic milliseconds.
   */
  note(records: number, now: number): void {
    const elapsed = Math.max(0.1, now - this.#last)
    this.#last = now
    const weight = Math.min(1, elapsed / WINDOW_MS)
    this.#rate += ((records * 1_000) / elapsed - this.#rate) * weight
  }

  /** @returns milliseconds to wait before the next request; 0: not at all. */
  gather(now: number): number {
    const idle = Math.max(0, 1 - (now - this.#last) / (2 * WINDOW_MS))
    return this.#rate * idle > this.options.busyPerSecond ? this.options.gatherMs : 0
  }
}
