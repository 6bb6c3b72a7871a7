import type { Plan } from '@unwind/contracts'
import { ClaimBook, claimOf, type Obstacle } from '@unwind/core'

export type Taken =
  | { readonly kind: 'taken' }
  | { readonly kind: 'held'; readonly by: Obstacle }
  /** What was requested elsewhere before this process began is not known yet. */
  | { readonly kind: 'not-known-yet' }

/** Who may touch what. The loop asks before it requests a plan, and tells what the ledger says. */
export interface ClaimsPort {
  /** All that a plan touches, or nothing of it. Who is told "held" is in line, and is woken when the way may be free. */
  take(plan: Plan, wake: () => void): Taken
  /** The ledger has its request. */
  hold(plan: Plan): void
  /** It has ended. */
  release(rollbackId: string): void
}

interface Waiter {
  readonly by: string | null
  readonly wake: () => void
}

/**
 * The claims of all open rollbacks, in memory: they are the fold of the ledger's requests and endings, so a restart has
 * them again. Where nothing overlaps it costs a look into a map for each resource of a plan; nothing is written or read.
 */
export class Claims implements ClaimsPort {
  readonly #book = new ClaimBook()
  readonly #waiting = new Map<string, Waiter>()

  /**
   * @param shared patterns of what many may undo at once.
   * @param onOverlap two were requested in the same moment by two coordinators: what is newer is then guarded by the targets
   * alone (I6). Told again for each revision.
   * @param complete whether everything is known that was requested before now, in all partitions.
   */
  constructor(
    private readonly shared: () => readonly string[],
    private readonly complete: () => boolean = () => true,
    private readonly onOverlap: (rollbackId: string, other: Obstacle) => void = () => undefined,
  ) {}

  get size(): number {
    return this.#book.size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  take(plan: Plan, wake: () => void): Taken {
    const { rollbackId } = plan
    this.#waiting.delete(rollbackId)
    if (!this.complete()) {
      this.#waiting.set(rollbackId, { by: null, wake })
      return { kind: 'not-known-yet' }
    }
    const by = this.#book.take(claimOf(plan, this.shared()))
    if (by === null) return { kind: 'taken' }
    this.#waiting.set(rollbackId, { by: by.rollbackId, wake })
    return { kind: 'held', by }
  }

  hold(plan: Plan): void {
    this.#waiting.delete(plan.rollbackId)
    const other = this.#book.hold(claimOf(plan, this.shared()))
    if (other) this.onOverlap(plan.rollbackId, other)
  }

  release(rollbackId: string): void {
    this.#waiting.delete(rollbackId)
    this.#book.release(rollbackId)
    this.#wake(waiter => waiter.by === rollbackId)
  }

  /** More is known now: whoever was told to ask again does. */
  known(): void {
    if (this.complete()) this.#wake(waiter => waiter.by === null)
  }

  /** In the order in which they came: who is woken may take what the next one wants. */
  #wake(which: (waiter: Waiter) => boolean): void {
    const woken = [...this.#waiting].filter(([, waiter]) => which(waiter))
    for (const [rollbackId] of woken) this.#waiting.delete(rollbackId)
    for (const [, { wake }] of woken) wake()
  }
}
