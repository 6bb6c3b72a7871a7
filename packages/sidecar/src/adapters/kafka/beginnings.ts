import type { StepWork } from '../../adapter/port.js'

const REMEMBERED = 10_000

/**
 * When a step may have begun to act: what the ledger says of it, or the first time that this process was asked about it. Reading back
 * begins there, also when an attempt took longer than clocks may differ.
 */
export class Beginnings {
  readonly #first = new Map<string, number>()

  /** Epoch ms. */
  of({ key, firstStartedAt }: StepWork, now: number): number {
    const known = Math.min(this.#first.get(key) ?? now, now)
    this.#first.set(key, known)
    if (this.#first.size > REMEMBERED) {
      // The ledger knows those that are older than this.
      const [oldest] = this.#first.keys()
      this.#first.delete(oldest!)
    }
    return Math.min(firstStartedAt ?? known, known)
  }
}
