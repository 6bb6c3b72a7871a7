import { eventIds, type Plan, PlanMismatch, thawPlan } from '@unwind/contracts'
import { approvalsCover } from '../policy/approvals-cover.js'
import { decidePolicy } from '../policy/decide.js'
import { type Person, personOf } from '../policy/people.js'
import { policyPrincipal } from '../policy/policy.js'
import { type Demand, missingApprovals } from '../policy/quorum.js'
import { raise } from './alarms.js'
import { askedBy, byPolicy, denial, request } from './authority.js'
import { glassProblem } from './break-glass.js'
import type {
  Coordination,
  CoordinationCommand,
  CoordinationContext,
  Coordinator,
  GivenApproval,
  PendingApproval,
} from './coordination.js'

/**
 * The request of a plan that people have approved (I5). Everything is looked at again at this moment: the policy as it is
 * now beside what was asked for then, keys, roles and times of those who approved.
 */
export function approvedRequest(
  me: Coordinator,
  state: Coordination,
  pending: PendingApproval,
  context: CoordinationContext,
): readonly CoordinationCommand[] {
  const { request: asked, given, denied } = pending
  const glass = state.glass.get(asked.revision)
  if (denied || (given.length === 0 && !glass)) return []
  const plan = planOf(pending)
  if (plan === null) return []
  const { now } = context
  const decision = decidePolicy(me.policy, askedBy(state, context), plan)
  const cause = (item: GivenApproval) =>
    eventIds.approvalGranted(asked.rollbackId, asked.revision, item.approval.approver)
  if (decision.decision === 'refused')
    return [
      denial(me, state, asked.revision, asked.planHash, decision.because.join('; '), asked.eventId, now),
    ]
  const counted = given.flatMap(item => {
    const person = standsFor(me, state, pending, item, context)
    return person ? [{ item, person }] : []
  })
  // A policy that asks for less since then does not lower what was asked for.
  const demands: Demand[] = [
    ...(decision.decision === 'needs-approval' ? decision.demands : []),
    { required: asked.required, approvers: asked.approvers, distinct: 'person', rule: 'as it was asked' },
  ]
  const proposer = personOf(me.policy, { principal: state.proposedBy, roles: [] })
  const people = counted.map(({ person }) => person)
  const lapsed = alarmsOfLapsed(me, state, pending, context)
  const last = counted.at(-1)
  if (last && missingApprovals(demands, people, proposer).length === 0)
    return [
      ...lapsed,
      requested(
        me,
        state,
        pending,
        cause(last.item),
        counted.map(({ item }) => item.approval),
        now,
      ),
    ]
  if (!glass || glassProblem(me, glass, context, asked.rollbackId) !== null) return lapsed
  // The sidecars take the policy's word, as for a pre-approved plan: it is what lets one person decide. Who that was stands beside it.
  const approvals = [
    byPolicy(me, `${policyPrincipal(me.policy)}/break-glass`, asked.planHash, now),
    glass.given.approval,
  ]
  return [...lapsed, requested(me, state, pending, `${cause(glass.given)}/break-glass`, approvals, now)]
}

function requested(
  me: Coordinator,
  state: Coordination,
  { request: asked }: PendingApproval,
  cause: string,
  approvals: readonly GivenApproval['approval'][],
  now: number,
): CoordinationCommand {
  const data = { ...request(me, state, asked.revision, asked, cause, now), approvals }
  return { kind: 'emit', event: { type: 'RollbackRequested', data } }
}

/** Whom an approval counts for, at this moment; null: for nobody. The very check that every sidecar makes is in it. */
function standsFor(
  me: Coordinator,
  state: Coordination,
  { request: asked }: PendingApproval,
  item: GivenApproval,
  { now, standing }: CoordinationContext,
): Person | null {
  const { rollbackId, revision, planHash } = asked
  const chain = { rollbackId, revision, planHash, requestedBy: state.proposedBy }
  if (approvalsCover(chain, now, [item]) !== null) return null
  const shown = standing ? standing(item, rollbackId) : item.shown
  return shown && personOf(me.policy, shown)
}

/** An approval that was good when it was given and is not any more is said: somebody waits for it in vain. */
function alarmsOfLapsed(
  me: Coordinator,
  state: Coordination,
  { request: asked, given }: PendingApproval,
  { now, standing }: CoordinationContext,
): CoordinationCommand[] {
  if (!standing) return []
  const { rollbackId, revision } = asked
  return given.flatMap((item): CoordinationCommand[] => {
    const current = standing(item, rollbackId)
    const who = item.approval.approver
    const lost = lostRoles(personOf(me.policy, item.shown), current && personOf(me.policy, current))
    if (lost === null) return []
    const alarm = {
      kind: 'unauthorised',
      subject: `approval r${revision} ${who}`,
      severity: 'critical',
      dueAt: now,
      message: `rollback ${rollbackId} revision ${revision}: the approval of ${who} is weighed anew, ${lost}`,
      hint: 'ask somebody else to approve, and find out whether that approval was theirs',
    } as const
    return [{ kind: 'emit', event: raise(me, state, alarm, now) }]
  })
}

function lostRoles(then: Person, current: Person | null): string | null {
  if (current === null) return 'since the key or the person is no longer trusted'
  const lost = then.roles.filter(role => !current.roles.includes(role))
  return lost.length === 0 ? null : `since they lost the role ${lost.join(', ')}`
}

function planOf({ request: asked }: PendingApproval): Plan | null {
  try {
    return thawPlan(asked, asked)
  } catch (error) {
    if (error instanceof PlanMismatch) return null
    throw error
  }
}
