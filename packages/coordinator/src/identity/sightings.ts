import type { Shown } from '@unwind/core'
import type { KnownCaller } from './caller.js'

/** People remembered; the ones seen longest ago go first. */
const REMEMBERED = 10_000

/**
 * What the identity provider said last of each person who called. A role that somebody lost counts no more from their next
 * call on, also for what they approved before.
 */
export class Sightings {
  readonly #last = new Map<string, { readonly caller: KnownCaller; readonly at: number }>()

  /** @param at epoch ms. */
  note(caller: KnownCaller, at: number): void {
    this.#last.delete(caller.principal)
    this.#last.set(caller.principal, { caller, at })
    if (this.#last.size > REMEMBERED) this.#last.delete(this.#last.keys().next().value!)
  }

  /** @param since epoch ms: what was seen before says nothing newer. */
  of(principal: string, since = 0): Shown | null {
    const seen = this.#last.get(principal)
    return seen && seen.at >= since ? seen.caller : null
  }
}
