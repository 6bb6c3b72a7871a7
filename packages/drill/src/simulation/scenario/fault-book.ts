import type { Clockwork } from '../engine/clockwork.js'
import type { FaultKind } from './kinds.js'

interface Armed {
  /** Only processes or systems whose name begins so; null: whoever comes first. */
  readonly on: string | null
  readonly until: number
  left: number
}

/** Faults that wait for their moment: armed at a time, injected at the next operation that they fit. */
export class FaultBook {
  readonly #armed = new Map<FaultKind, Armed[]>()
  readonly injected = new Map<FaultKind, number>()
  #healed = false

  constructor(readonly clock: Clockwork) {}

  arm(kind: FaultKind, on: string | null, times: number, forMs: number): void {
    const list = this.#armed.get(kind) ?? []
    list.push({ on, until: this.clock.now + forMs, left: times })
    this.#armed.set(kind, list)
  }

  /** Whether this operation is hit, and if so, uses one up. */
  take(kind: FaultKind, where: string): boolean {
    const list = this.#armed.get(kind)
    if (!list || this.#healed) return false
    for (const armed of list) {
      if (armed.left <= 0 || armed.until < this.clock.now) continue
      if (armed.on !== null && !where.startsWith(armed.on)) continue
      armed.left--
      this.note(kind)
      return true
    }
    return false
  }

  note(kind: FaultKind): void {
    this.injected.set(kind, (this.injected.get(kind) ?? 0) + 1)
  }

  /** From here on nothing goes wrong any more. */
  heal(): void {
    this.#healed = true
  }

  get healed(): boolean {
    return this.#healed
  }
}
