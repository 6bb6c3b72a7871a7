import { findCircle } from './components.js'
import type { ContractLookup, PlanRemark } from './input.js'
import { precedence } from './precedence.js'

/** Says of each knot why it was one, and in which order its systems are undone now. */
export function remarksOn(
  knots: readonly (readonly string[])[],
  contracts: ContractLookup,
): readonly PlanRemark[] {
  return knots.map(knot => {
    const now = `undone by the last action of each, latest first: ${knot.join(', ')}`
    const circle = findCircle(precedence(knot, contracts, null))
    if (circle)
      return {
        code: 'declared-cycle' as const,
        systems: knot,
        message: `contracts depend on each other in a circle: ${circle.join(' dependsOn ')}; ${now}. Remove one dependsOn.`,
      }
    if (knot.some(system => contracts.get(system)?.contract.tandem !== undefined))
      return {
        code: 'tandem-conflict' as const,
        systems: knot,
        message: `a tandem group and the order contradict each other; ${now}. Take a system out of the group, or remove a dependsOn.`,
      }
    return {
      code: 'mutual' as const,
      systems: knot,
      message: `what these systems declare and how they called each other goes in a circle; ${now}`,
    }
  })
}
