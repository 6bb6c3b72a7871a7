import type { Plan, RollbackProposed } from '@unwind/contracts'
import { matchesAny } from './glob.js'
import { fitting, type Person, personOf } from './people.js'
import { type Policy, policyLabel } from './policy.js'
import { type Demand, describe } from './quorum.js'
import { applies, scopeOf } from './when.js'

export type PolicyDecision =
  | { readonly decision: 'pre-approved'; readonly because: readonly string[] }
  | {
      readonly decision: 'needs-approval'
      /** The most that one of the demands asks for. */
      readonly required: number
      /** All whom one of the demands names. */
      readonly approvers: readonly string[]
      /** An approval covers the plan for so long, milliseconds. */
      readonly validForMs: number
      /** All of them are to be met. */
      readonly demands: readonly Demand[]
      readonly because: readonly string[]
    }
  | { readonly decision: 'refused'; readonly because: readonly string[] }

/** Who asks, and when. */
export interface Asked extends Pick<RollbackProposed, 'proposedBy'> {
  readonly incidentClass?: string | null
  /** Of the proposer, as far as the caller knows more than the policy does. */
  readonly roles?: readonly string[]
  readonly teams?: readonly string[]
  /** Epoch ms; rules about the time of day look at it. Default 0. */
  readonly at?: number
}

/** What a plan needs before it may be requested. `because` names every rule that spoke. */
export function decidePolicy(policy: Policy, asked: Asked, plan: Plan): PolicyDecision {
  const label = `policy ${policyLabel(policy)}`
  const { proposedBy, incidentClass = null, at = 0 } = asked
  const { environment } = policy
  const scope = scopeOf(plan, policy.dataClasses, { proposedBy, incidentClass, environment, at })
  const rules = policy.rules.filter(rule => applies(rule.when, scope))
  const proposer = personOf(policy, { ...asked, principal: proposedBy, roles: asked.roles ?? [] })
  const refused = [...whyRefused(policy, proposedBy, plan), ...rules.flatMap(rule => refusal(rule, proposer))]
  if (refused.length > 0) return { decision: 'refused', because: refused.map(why => `${label}: ${why}`) }
  // Nothing is undone by a plan without steps, so there is nothing that a person could permit.
  const asking = plan.steps.length === 0 ? [] : rules.filter(rule => rule.approve !== undefined)
  const playbook = rules.find(rule => rule.preApproved)
  const asks = playbook ? [] : whyAsk(policy, proposedBy, plan)
  const demands = [
    ...(asks.length > 0
      ? [{ ...demandOf('approval', policy.approval), validFor: policy.approval.validFor }]
      : []),
    ...asking.map(({ name, approve }) => ({
      ...demandOf(`rule ${name}`, approve!),
      validFor: approve!.validFor ?? policy.approval.validFor,
    })),
  ]
  if (demands.length === 0)
    return { decision: 'pre-approved', because: [`${label}: ${whyNot(policy, proposedBy, plan, playbook)}`] }
  return {
    decision: 'needs-approval',
    required: Math.max(...demands.map(demand => demand.required)),
    approvers: [...new Set(demands.flatMap(demand => demand.approvers))],
    validForMs: Math.min(...demands.map(demand => demand.validFor)),
    demands: demands.map(({ validFor: _, ...demand }) => demand),
    because: [
      ...asks,
      ...asking.map(rule => `rule ${rule.name} asks for ${describe(demandOf(rule.name, rule.approve!))}`),
    ].map(why => `${label}: ${why}`),
  }
}

type Rule = Policy['rules'][number]

function demandOf(rule: string, { required, approvers, distinct }: NonNullable<Rule['approve']>): Demand {
  return { required, approvers, distinct, rule }
}

function refusal({ name, propose, refuse }: Rule, proposer: Person): string[] {
  const why: string[] = []
  if (refuse !== undefined) why.push(`rule ${name} refuses it: ${refuse}`)
  if (propose !== undefined && fitting(propose, proposer) === null)
    why.push(`rule ${name} lets ${propose.join(' or ')} propose it, and ${proposer.principal} proposed`)
  return why
}

function whyNot(policy: Policy, proposedBy: string, plan: Plan, playbook: Rule | undefined): string {
  if (plan.steps.length === 0) return 'the plan undoes nothing yet'
  const by = `proposed by ${proposedBy}`
  if (playbook) return `rule ${playbook.name} pre-approves it, ${by}`
  return `${count(plan.steps.length, 'step')} of at most ${policy.preApproved.maxSteps}, ${by}`
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
