import type { Json } from '@unwind/contracts'
import type { StageMaker } from '../provider.js'
import type { FlagState } from '../state.js'

/** Unleash shares out by the `rollout` of its gradual strategy, a percentage as text. Several strategies are an "or". */
export const unleashStages: StageMaker = {
  fields: ['strategies'],
  problem: ({ variant, otherwise }) =>
    variant === undefined && otherwise === undefined
      ? null
      : {
          key: variant === undefined ? 'otherwise' : 'variant',
          message: 'Unleash has no such choice here: its gradual strategies are lowered; take it out',
        },
  share(state) {
    const active = strategiesOf(state).filter(strategy => strategy.disabled !== true)
    const shares = active.map(rolloutOf)
    const odd = active.find((_, i) => shares[i] === null)
    if (odd) return `strategy ${String(odd.name)} has no percentage; only flexibleRollout has`
    // Without a strategy a flag that is enabled is on for everybody.
    return active.length === 0 ? 100 : Math.max(...shares.map(share => share ?? 0))
  },
  at(state, percentage) {
    const strategies = strategiesOf(state).map(strategy => {
      const share = rolloutOf(strategy)
      if (strategy.disabled === true || share === null || share <= percentage) return strategy
      const parameters = strategy.parameters as Record<string, Json>
      return { ...strategy, parameters: { ...parameters, rollout: String(percentage) } }
    })
    return { strategies: strategies as Json }
  },
}

export function strategiesOf(state: FlagState): readonly Readonly<Record<string, Json>>[] {
  return Array.isArray(state.strategies) ? (state.strategies as Record<string, Json>[]) : []
}

function rolloutOf(strategy: Readonly<Record<string, Json>>): number | null {
  if (strategy.name !== 'flexibleRollout') return null
  const rollout = Number((strategy.parameters as Record<string, Json> | undefined)?.rollout)
  return Number.isFinite(rollout) ? rollout : null
}
