import type { Plan, RollbackProposed } from '@unwind/contracts'
import { matchesAny } from './glob.js'
import { type Policy, policyLabel } from './policy.js'

export type PolicyDecision =
  | { readonly decision: 'pre-approved'; readonly because: readonly string[] }
  | {
      readonly decision: 'needs-approval'
      /** Distinct approvers. */
      readonly required: number
      /** "role:<role>" or principals, "*" for any characters. */
      readonly approvers: readonly string[]
      /** An approval covers the plan for so long, milliseconds. */
      readonly validForMs: number
      readonly because: readonly string[]
    }
  | { readonly decision: 'refused'; readonly because: readonly string[] }

/** What a plan needs before it may be requested. `because` names every rule that spoke. */
export function decidePolicy(
  policy: Policy,
  proposal: Pick<RollbackProposed, 'proposedBy'>,
  plan: Plan,
): PolicyDecision {
  const label = `policy ${policyLabel(policy)}`
  const refused = whyRefused(policy, proposal.proposedBy, plan)
  if (refused.length > 0) return { decision: 'refused', because: refused.map(why => `${label}: ${why}`) }
  const asks = whyAsk(policy, proposal.proposedBy, plan)
  if (asks.length === 0)
    return {
      decision: 'pre-approved',
      because: [
        plan.steps.length === 0
          ? `${label}: the plan undoes nothing yet`
          : `${label}: ${count(plan.steps.length, 'step')} of at most ${policy.preApproved.maxSteps}, proposed by ${proposal.proposedBy}`,
      ],
    }
  const { required, approvers, validFor } = policy.approval
  return {
    decision: 'needs-approval',
    required,
    approvers,
    validForMs: validFor,
    because: asks.map(why => `${label}: ${why}`),
  }
}

function whyRefused(policy: Policy, proposer: string, plan: Plan): string[] {
  const why: string[] = []
  const pattern = matchesAny(policy.refused.proposers, proposer)
  if (pattern !== null) why.push(`refused.proposers has "${pattern}", and ${proposer} proposed`)
  const { moreSteps } = policy.refused
  if (moreSteps !== undefined && plan.steps.length > moreSteps)
    why.push(
      `refused.moreSteps is ${moreSteps}, the plan has ${plan.steps.length}: limit its scope to some of the systems`,
    )
  return why
}

function whyAsk(policy: Policy, proposer: string, plan: Plan): string[] {
  const { maxSteps, irreversible, proposers } = policy.preApproved
  const why: string[] = []
  if (plan.steps.length > maxSteps)
    why.push(`preApproved.maxSteps is ${maxSteps}, the plan has ${plan.steps.length}`)
  const stuck = plan.surfaced.filter(s => s.code === 'irreversible')
  // Nothing is undone by a plan without steps, so there is nothing that a person could permit.
  if (!irreversible && stuck.length > 0 && plan.steps.length > 0)
    why.push(
      `${count(stuck.length, 'action')} cannot be undone: ${stuck.map(s => `${s.system} ${s.action}`).join(', ')}`,
    )
  if (plan.steps.length > 0 && matchesAny(proposers, proposer) === null)
    why.push(`${proposer} is not among preApproved.proposers`)
  return why
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`
}
