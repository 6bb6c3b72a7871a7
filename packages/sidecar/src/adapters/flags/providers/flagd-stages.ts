import type { Json } from '@unwind/contracts'
import type { StageMaker } from '../provider.js'

/** flagd shares out variants by a "fractional" rule: [bucketing expression?, [variant, weight], …]. */
export const flagdStages: StageMaker = {
  fields: ['targeting'],
  problem({ variant, otherwise }) {
    if (typeof variant !== 'string')
      return { key: 'variant', message: 'expected the name of the variant that the feature is, such as "on"' }
    if (typeof otherwise !== 'string')
      return {
        key: 'otherwise',
        message: 'expected the name of the variant that everybody else gets, such as "off"',
      }
    return variant === otherwise
      ? { key: 'otherwise', message: 'is the same variant; nobody would lose the feature' }
      : null
  },
  share(state, { variant }) {
    const targeting = state.targeting ?? null
    if (targeting === null || isEmpty(targeting)) return state.defaultVariant === variant ? 100 : 0
    const rule = fractional(targeting)
    if (!rule) return 'its targeting is not a single "fractional" rule'
    const all = rule.weights.reduce((sum, [, weight]) => sum + weight, 0)
    const ours = rule.weights.reduce((sum, [name, weight]) => sum + (name === variant ? weight : 0), 0)
    return all === 0 ? 0 : (ours / all) * 100
  },
  at(state, percentage, { variant, otherwise }) {
    const bucketing = fractional(state.targeting ?? null)?.bucketing ?? null
    // The feature stands first, so that whoever loses it in one stage does not get it back in the next.
    const shares: Json = [
      [variant as string, percentage],
      [otherwise as string, 100 - percentage],
    ]
    return { targeting: { fractional: bucketing === null ? shares : [bucketing, ...(shares as Json[])] } }
  },
}

function fractional(
  targeting: Json,
): { readonly bucketing: Json | null; readonly weights: readonly (readonly [string, number])[] } | null {
  if (typeof targeting !== 'object' || targeting === null || Array.isArray(targeting)) return null
  const rule = (targeting as Record<string, Json>).fractional
  if (Object.keys(targeting).length !== 1 || !Array.isArray(rule)) return null
  const bucketing = rule.length > 0 && !Array.isArray(rule[0]) ? rule[0]! : null
  const weights: (readonly [string, number])[] = []
  for (const share of bucketing === null ? rule : rule.slice(1)) {
    if (!Array.isArray(share) || typeof share[0] !== 'string') return null
    const weight = share[1] ?? 1
    if (typeof weight !== 'number') return null
    weights.push([share[0], weight])
  }
  return { bucketing, weights }
}

function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
