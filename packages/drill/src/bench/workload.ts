/**
 * The workload of every rollback benchmark: six systems in three tiers, two a tier, one action each. The same shape as the
 * figures of other systems that the documentation compares with.
 */
export const TIERS = [
  ['alpha', 'beta'],
  ['gamma', 'delta'],
  ['epsilon', 'zeta'],
] as const

export const SYSTEMS: readonly string[] = TIERS.flat()

/** Undone first is what acted last: a tier depends on the one that is undone after it. */
export function dependenciesOf(system: string): readonly string[] {
  const tier = TIERS.findIndex(systems => (systems as readonly string[]).includes(system))
  return TIERS[tier + 1] ?? []
}

/** Systems of the tier before this one, in the order of undoing. */
export function waitsFor(system: string): readonly string[] {
  const tier = TIERS.findIndex(systems => (systems as readonly string[]).includes(system))
  return TIERS[tier - 1] ?? []
}

export const IN_FLIGHT = 64
