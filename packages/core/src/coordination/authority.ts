import {
  type Approval,
  type ApprovalDenied,
  type ApprovalRequested,
  eventIds,
  type FrozenPlan,
  type Plan,
  type RollbackRequested,
} from '@unwind/contracts'
import { type Asked, decidePolicy } from '../policy/decide.js'
import { policyLabel, policyPrincipal } from '../policy/policy.js'
import { snapshotOf } from '../unwind/steps.js'
import type { Coordination, CoordinationCommand, CoordinationContext, Coordinator } from './coordination.js'

/** What the policy makes of a plan: the request at once, a question to people, or a refusal. */
export function putForward(
  me: Coordinator,
  state: Coordination,
  plan: Plan,
  frozen: FrozenPlan,
  causationId: string,
  context: CoordinationContext,
): readonly CoordinationCommand[] {
  const { now } = context
  const decision = decidePolicy(me.policy, askedBy(state, context), plan)
  const about = { ...common(me, state, now), causationId, revision: plan.revision }
  const { rollbackId } = state.rollback
  switch (decision.decision) {
    case 'refused':
      return [
        denial(me, state, plan.revision, frozen.planHash, decision.because.join('; '), causationId, now),
      ]
    case 'needs-approval': {
      const data: ApprovalRequested = {
        ...about,
        eventId: eventIds.approvalRequested(rollbackId, plan.revision),
        ...frozen,
        required: decision.required,
        approvers: decision.approvers,
        because: decision.because,
      }
      return [{ kind: 'emit', event: { type: 'ApprovalRequested', data } }]
    }
    case 'pre-approved': {
      // The request's own signature covers this approval, plan hash included, so it needs none of its own.
      const approval = byPolicy(me, policyPrincipal(me.policy), frozen.planHash, now)
      const data = { ...request(me, state, plan.revision, frozen, causationId, now), approvals: [approval] }
      return [{ kind: 'emit', event: { type: 'RollbackRequested', data } }]
    }
    default:
      return decision satisfies never
  }
}

/** @param planHash of the plan that was refused; "" when none could be made. */
export function denial(
  me: Coordinator,
  state: Coordination,
  revision: number,
  planHash: string,
  reason: string,
  causationId: string,
  now: number,
): CoordinationCommand {
  const approver = policyPrincipal(me.policy)
  const data: ApprovalDenied = {
    ...common(me, state, now),
    causationId,
    eventId: eventIds.approvalDenied(state.rollback.rollbackId, revision, approver),
    revision,
    planHash,
    approver,
    reason,
  }
  return { kind: 'emit', event: { type: 'ApprovalDenied', data } }
}

/** The fields that all events of this coordinator have. */
export function common(me: Coordinator, { rollback }: Coordination, now: number) {
  const { correlationId, rollbackId } = rollback
  return { correlationId, rollbackId, occurredAt: now, emitter: me.principal }
}

/** What the policy is asked about a rollback. */
export function askedBy(
  { rollback, proposedBy }: Coordination,
  { now, shown }: Pick<CoordinationContext, 'now' | 'shown'>,
): Asked {
  const { roles = [], teams = [] } = shown?.(proposedBy) ?? {}
  return { proposedBy, incidentClass: rollback.proposal?.incidentClass ?? null, roles, teams, at: now }
}

/** An approval that stands on the signature of the very event that carries it. */
export function byPolicy(me: Coordinator, approver: string, planHash: string, now: number): Approval {
  return { approver, planHash, grantedAt: now, expiresAt: null, keyId: me.keyId, signature: '' }
}

export function request(
  me: Coordinator,
  state: Coordination,
  revision: number,
  frozen: FrozenPlan,
  causationId: string,
  now: number,
): Omit<RollbackRequested, 'approvals'> {
  const { rollback } = state
  const steps = rollback.phase === 'running' || rollback.phase === 'closed' ? snapshotOf(rollback.steps) : []
  return {
    ...common(me, state, now),
    causationId,
    eventId: eventIds.requested(rollback.rollbackId, revision),
    revision,
    plan: frozen.plan,
    planHash: frozen.planHash,
    requestedBy: state.proposedBy,
    policy: policyLabel(me.policy),
    steps,
  }
}
