import { CLOCK_MARGIN_MS } from '@unwind/core'
import type { Followed } from '@unwind/runtime'

const REMEMBER_ENDED = 20_000

interface End {
  readonly partition: number
  /** Epoch ms by the broker's clock. */
  readonly at: number
}

/**
 * What ended here lately, and up to when more may have ended that is not known here: a copy of a proposal must not begin again
 * what has ended.
 */
export class Ended {
  readonly #ends = new Map<string, End>()
  /** By partition: of what was proposed before, the end may lie below the offset from which we read; epoch ms by the broker's clock. */
  readonly #unknownUntil = new Map<number, number>()
  readonly #writtenAt = new Map<number, number>()

  /** A record of a partition is at hand. */
  onRecord({ position: { partition, offset }, writtenAt }: Pick<Followed, 'position' | 'writtenAt'>): void {
    this.#writtenAt.set(partition, writtenAt)
    // Nothing lies below the first record of all.
    if (offset === 0n) this.#unknownUntil.set(partition, Number.NEGATIVE_INFINITY)
    else if (!this.#unknownUntil.has(partition)) this.#unknownUntil.set(partition, writtenAt)
  }

  /** @param now epoch ms. */
  onLive(partition: number, now: number): void {
    if (!this.#unknownUntil.has(partition)) this.#unknownUntil.set(partition, now)
  }

  /** Its history is read again from what is open: from there on nothing has ended yet. */
  onReleased(partition: number): void {
    this.#unknownUntil.delete(partition)
    for (const [rollbackId, end] of this.#ends) if (end.partition === partition) this.#ends.delete(rollbackId)
  }

  note(rollbackId: string, partition: number): void {
    this.#ends.set(rollbackId, { partition, at: this.#writtenAt.get(partition) ?? 0 })
    if (this.#ends.size <= REMEMBER_ENDED) return
    const [oldest, { partition: of, at }] = this.#ends.entries().next().value!
    this.#ends.delete(oldest)
    this.#unknownUntil.set(of, Math.max(at, this.#unknownUntil.get(of) ?? at))
  }

  has(rollbackId: string): boolean {
    return this.#ends.has(rollbackId)
  }

  /** A proposal may be a copy, or have come long after it was made: its rollback may have ended unknown to us. */
  mayBeOver({ event, position }: Pick<Followed, 'event' | 'position'>): boolean {
    const until = this.#unknownUntil.get(position.partition) ?? Number.POSITIVE_INFINITY
    return event.type === 'RollbackProposed' && event.data.occurredAt <= until + CLOCK_MARGIN_MS
  }
}
