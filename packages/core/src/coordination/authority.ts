import {
  type ApprovalDenied,
  type ApprovalRequested,
  eventIds,
  type FrozenPlan,
  hashText,
  type LedgerEvent,
  type Plan,
  type RollbackRequested,
} from '@unwind/contracts'
import { approvalsCover } from '../policy/approvals-cover.js'
import { decidePolicy } from '../policy/decide.js'
import { policyLabel, policyPrincipal } from '../policy/policy.js'
import { snapshotOf } from '../unwind/steps.js'
import type {
  Coordination,
  CoordinationCommand,
  CoordinationContext,
  Coordinator,
  PendingApproval,
} from './coordination.js'

/** What the policy makes of a plan: the request at once, a question to people, or a refusal. */
export function putForward(
  me: Coordinator,
  state: Coordination,
  plan: Plan,
  frozen: FrozenPlan,
  causationId: string,
  { now }: CoordinationContext,
): readonly CoordinationCommand[] {
  const decision = decidePolicy(me.policy, { proposedBy: state.proposedBy }, plan)
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
      const approval = {
        approver: policyPrincipal(me.policy),
        planHash: frozen.planHash,
        grantedAt: now,
        expiresAt: null,
        keyId: me.keyId,
        signature: '',
      }
      const data = { ...request(me, state, plan.revision, frozen, causationId, now), approvals: [approval] }
      return [{ kind: 'emit', event: { type: 'RollbackRequested', data } }]
    }
    default:
      return decision satisfies never
  }
}

/** The request of a plan that people have approved. Null: they have not, or no longer. */
export function approvedRequest(
  me: Coordinator,
  state: Coordination,
  pending: PendingApproval,
  { now }: CoordinationContext,
): LedgerEvent | null {
  const { request: asked, given, denied } = pending
  if (denied) return null
  const last = given.at(-1)
  if (!last) return null
  const chain = { rollbackId: asked.rollbackId, revision: asked.revision, planHash: asked.planHash }
  // I5: the very check that every sidecar makes, with the number that the policy asked for.
  const problem = approvalsCover({ ...chain, requestedBy: state.proposedBy }, now, given, asked.required)
  if (problem || hashText(asked.plan) !== asked.planHash) return null
  const valid = given.map(item => item.approval).filter(a => a.expiresAt === null || a.expiresAt > now)
  const cause = eventIds.approvalGranted(asked.rollbackId, asked.revision, last.approval.approver)
  const data = { ...request(me, state, asked.revision, asked, cause, now), approvals: valid }
  return { type: 'RollbackRequested', data }
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

function request(
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
