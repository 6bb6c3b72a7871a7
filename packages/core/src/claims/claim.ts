import type { Plan } from '@unwind/contracts'
import { matchesAny } from '../policy/glob.js'

/** What one rollback may touch, as far as its plan tells: nobody else's rollback may run on any of it meanwhile. */
export interface Claim {
  readonly rollbackId: string
  readonly correlationId: string
  /** "orders orders/1017": a resource of a system. Sorted. */
  readonly places: readonly string[]
  /** Systems that take part; of the same correlation ID nobody else may touch them. Null: all, also those that find something late. */
  readonly systems: readonly string[] | null
}

/** @param shared patterns of places that many may undo at once: counters, balances, whatever contracts declare `delta`. */
export function claimOf(plan: Plan, shared: readonly string[]): Claim {
  const places = new Set<string>()
  for (const { system, actions } of plan.steps)
    for (const { resource } of actions) {
      const place = resource === null ? null : `${system} ${resource}`
      if (place !== null && (shared.length === 0 || matchesAny(shared, place) === null)) places.add(place)
    }
  const { rollbackId, correlationId, scope, selection } = plan
  const whole = scope.length === 0 && selection === undefined
  const systems = whole ? null : [...new Set(plan.steps.map(step => step.system))].sort()
  return { rollbackId, correlationId, places: [...places].sort(), systems }
}

/** What two claims have in common, for people; the first of it by name. Null: nothing. */
export function commonGround(a: Claim, b: Claim): string | null {
  if (a.correlationId === b.correlationId) {
    const both = systemsInCommon(a.systems, b.systems)
    if (both !== null) return `${both} of ${a.correlationId}`
  }
  const theirs = new Set(b.places)
  return a.places.find(place => theirs.has(place)) ?? null
}

function systemsInCommon(a: Claim['systems'], b: Claim['systems']): string | null {
  if (a === null) return b === null || b.length === 0 ? 'all systems' : b[0]!
  if (b === null) return a[0] ?? 'all systems'
  return a.find(system => b.includes(system)) ?? null
}
