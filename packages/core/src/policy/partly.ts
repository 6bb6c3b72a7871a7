import type { Plan } from '@unwind/contracts'
import { type Policy, policyLabel } from './policy.js'

/**
 * Why the plan of a partial rollback may not go on: it leaves actions that build on what it undoes, and nobody has said
 * that they may stay. Null: it may, as far as that goes.
 * @param accepted the proposal says so.
 */
export function whyNotPartly(policy: Policy, plan: Plan, accepted: boolean): string | null {
  const { dependants } = policy.partial
  if (!plan.left || dependants === 'allow' || (dependants === 'ask' && accepted)) return null
  const label = `policy ${policyLabel(policy)}: partial.dependants is "${dependants}"`
  const shown = plan.left.slice(0, 5).map(item => `${item.system} ${item.action} (${item.because})`)
  const more = plan.left.length > shown.length ? `; and ${plan.left.length - shown.length} more` : ''
  const what = `${label}, and ${plan.left.length} actions that build on what is undone would stay: ${shown.join('; ')}${more}`
  return dependants === 'refuse'
    ? `${what}; roll back the whole of it, or a part that has them in it`
    : `${what}; widen the part, or propose again and accept them (--accept-partial)`
}
