import { type Participation, type RollbackState, type Running, unplannedOf } from '@unwind/core'

/**
 * Steps whose outcomes a system must know: its own, all that those wait for (directly or not), and their tandem
 * siblings. Outcomes of other steps are passed over without being decoded or verified, which is most of the ledger.
 */
export class Relevance {
  /** Plans are immutable and shared by every state of one rollback. */
  readonly #known = new WeakMap<object, ReadonlySet<string>>()

  constructor(private readonly system: string) {}

  /** Whether the outcome of a step is one of those. */
  has({ fence, rollback }: Participation, stepId: string): boolean {
    if (rollback.phase !== 'running') return false
    // A later revision may still give this system a step, which may wait for what others settle meanwhile (I4).
    if (fence !== 'done' || unplannedOf(rollback, this.system).length > 0) return true
    return this.of(rollback).has(stepId)
  }

  of(rollback: RollbackState): ReadonlySet<string> {
    if (rollback.phase !== 'running') return new Set()
    const known = this.#known.get(rollback.plan)
    if (known) return known
    const found = this.#closure(rollback)
    this.#known.set(rollback.plan, found)
    return found
  }

  #closure(rollback: Running): ReadonlySet<string> {
    const steps = new Map(rollback.plan.steps.map(s => [s.stepId, s]))
    const mine = rollback.plan.steps.filter(s => s.system === this.system)
    const tandems = new Set(mine.map(s => s.tandem).filter(t => t !== null))
    const isOurs = (s: (typeof mine)[number]) =>
      s.system === this.system || (s.tandem !== null && tandems.has(s.tandem))
    const open = rollback.plan.steps.filter(isOurs)
    const found = new Set<string>()
    while (open.length > 0) {
      const step = open.pop()!
      if (found.has(step.stepId)) continue
      found.add(step.stepId)
      for (const id of step.waitsFor) open.push(steps.get(id)!)
    }
    return found
  }
}
