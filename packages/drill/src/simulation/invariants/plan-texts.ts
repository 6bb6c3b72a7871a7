import { hash } from 'node:crypto'
import type { Plan } from '@unwind/contracts'

interface Read {
  readonly plan: Plan
  /** SHA-256, hex. */
  readonly hash: string
}

/** The plans that a history's events carry: each text is read and hashed once, by means of its own. */
export class PlanTexts {
  readonly #read = new Map<string, Read>()

  plan(text: string): Plan {
    return this.#of(text).plan
  }

  hash(text: string): string {
    return this.#of(text).hash
  }

  #of(text: string): Read {
    const known = this.#read.get(text)
    if (known) return known
    const read = { plan: JSON.parse(text) as Plan, hash: hash('sha256', text, 'hex') }
    this.#read.set(text, read)
    return read
  }
}
