import type { Json } from '@unwind/contracts'
import type { StageMaker } from '../provider.js'

/** Weights are thousandths of a per cent. */
const WHOLE = 100_000

/** LaunchDarkly shares out variations by index in the fallthrough, which everybody gets whom no rule names. */
export const launchDarklyStages: StageMaker = {
  fields: ['fallthrough'],
  problem({ variant, otherwise }) {
    if (typeof variant !== 'number')
      return { key: 'variant', message: 'expected the index of the variation that the feature is, such as 0' }
    if (typeof otherwise !== 'number')
      return {
        key: 'otherwise',
        message: 'expected the index of the variation that everybody else gets, such as 1',
      }
    return variant === otherwise
      ? { key: 'otherwise', message: 'is the same variation; nobody would lose the feature' }
      : null
  },
  share(state, { variant }) {
    const fallthrough = state.fallthrough as Readonly<Record<string, Json>> | null | undefined
    if (typeof fallthrough !== 'object' || fallthrough === null)
      return 'the recorded state has no "fallthrough"; record it with the action, before and after'
    if (typeof fallthrough.variation === 'number') return fallthrough.variation === variant ? 100 : 0
    const shares = rolloutOf(fallthrough)?.variations
    if (!Array.isArray(shares)) return 'its fallthrough is neither a variation nor a percentage rollout'
    const ours = (shares as Record<string, Json>[]).filter(each => each.variation === variant)
    return (ours.reduce((sum, each) => sum + Number(each.weight), 0) / WHOLE) * 100
  },
  at(state, percentage, { variant, otherwise }) {
    const rollout = rolloutOf(state.fallthrough as Readonly<Record<string, Json>>)
    const weight = percentage * (WHOLE / 100)
    const variations = [
      { variation: variant as number, weight },
      { variation: otherwise as number, weight: WHOLE - weight },
    ]
    // What people are bucketed by stays, so that whoever loses the feature does not get it back in the next stage.
    return { fallthrough: { rollout: { ...rollout, variations } } }
  },
}

function rolloutOf(fallthrough: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> | undefined {
  return fallthrough.rollout as Readonly<Record<string, Json>> | undefined
}
