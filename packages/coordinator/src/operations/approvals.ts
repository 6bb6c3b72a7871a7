import { type ApprovalGranted, eventIds, thawPlan } from '@unwind/contracts'
import {
  type Coordination,
  decidePolicy,
  fitting,
  isSamePerson,
  type PendingApproval,
  type Person,
  type Policy,
  personOf,
  type Shown,
} from '@unwind/core'
import { type SigningKey, signApproval } from '@unwind/runtime'
import type { KnownCaller } from '../identity/caller.js'
import { forbidden } from '../identity/refusals.js'
import { doesNotFit, Problem, SecurityProblem } from './problem.js'
import { common, current, type Standing } from './standing.js'

export interface ApprovalsOptions extends Standing {
  /** Signs approvals of callers who are not known by name; its principal is the approver. Null: nobody approves so. */
  readonly approverKey: SigningKey | null
  /** Signs for people whom the API has authenticated. Null: they approve with keys of their own. */
  readonly voucherKey: SigningKey | null
  readonly policy: () => Policy
  /** What is known of a principal; null: nothing. */
  readonly shown?: (principal: string) => Shown | null
}

/** Who decides: somebody known, or whoever reached the port, perhaps under a name. */
export type Decider = KnownCaller | { readonly kind: 'local'; readonly named: string | null }

export interface Decision {
  readonly by: Decider
  /** Of the plan that the decider saw. */
  readonly planHash: string
  readonly reason: string
  /** Decide alone, now; others are paged and review it. */
  readonly breakGlass: boolean
}

/** Saying yes or no to a plan that waits. */
export class Approvals {
  constructor(private readonly options: ApprovalsOptions) {}

  /** @throws Problem when this approval would not count, or is of another plan than the one that waits. */
  async approve(rollbackId: string, { by, planHash, reason, breakGlass }: Decision): Promise<void> {
    const { now, key } = this.options
    const policy = this.options.policy()
    const state = await this.#awaiting(rollbackId)
    const { request } = state.pending
    assertSame(rollbackId, planHash, request.planHash)
    const { signer, shown } = this.#signerOf(by)
    const person = personOf(policy, shown)
    const validFor = breakGlass
      ? this.#assertMayBreak(policy, state, person, reason)
      : this.#assertCounts(policy, state, person)
    const at = now()
    const approver = shown.principal
    const terms = { approver, planHash, grantedAt: at, expiresAt: at + validFor }
    const vouched = shown.vouched === true
    const data: ApprovalGranted = {
      ...common(this.options, state.rollback),
      occurredAt: at,
      emitter: key.principal,
      eventId: eventIdOf(state, approver, breakGlass, at),
      causationId: request.eventId,
      revision: request.revision,
      approval: signApproval(signer, rollbackId, terms),
      reason,
      roles: vouched ? person.roles : [],
      teams: vouched ? person.teams : [],
      subject: vouched ? person.subject : null,
      breakGlass,
    }
    await this.options.send({ type: 'ApprovalGranted', data })
  }

  /** @param planHash of the plan that was seen; null: whatever waits. Saying no to too much harms nothing. */
  async deny(rollbackId: string, actor: string, planHash: string | null, reason: string): Promise<void> {
    const state = await this.#awaiting(rollbackId)
    const { request } = state.pending
    if (planHash !== null) assertSame(rollbackId, planHash, request.planHash)
    await this.options.send({
      type: 'ApprovalDenied',
      data: {
        ...common(this.options, state.rollback),
        eventId: eventIds.approvalDenied(rollbackId, request.revision, actor),
        causationId: request.eventId,
        revision: request.revision,
        planHash: request.planHash,
        approver: actor,
        reason,
      },
    })
  }

  /** @returns how long it counts, milliseconds. */
  #assertCounts(policy: Policy, { pending, proposedBy, rollback }: Awaiting, person: Person): number {
    const { request } = pending
    const proposer = personOf(
      policy,
      this.options.shown?.(proposedBy) ?? { principal: proposedBy, roles: [] },
    )
    const asked = {
      proposedBy,
      incidentClass: rollback.proposal?.incidentClass ?? null,
      at: this.options.now(),
    }
    const decision = decidePolicy(
      policy,
      { ...asked, roles: proposer.roles, teams: proposer.teams },
      thawPlan(request, request),
    )
    if (decision.decision === 'refused')
      throw doesNotFit(
        `rollback ${request.rollbackId}: ${decision.because.join('; ')}`,
        'the policy has changed since it was asked for; propose what it allows',
      )
    const approvers = [
      ...request.approvers,
      ...(decision.decision === 'needs-approval' ? decision.approvers : []),
    ]
    if (isSamePerson(person, proposer) || fitting(approvers, person) === null)
      throw new SecurityProblem(
        isSamePerson(person, proposer) ? 'approves-own-proposal' : 'may-not-approve',
        403,
        'may-not-approve',
        'This approval would not count',
        `${person.principal} may not approve what ${proposedBy} proposed; it takes ${[...new Set(approvers)].join(' or ')}, never the proposer`,
        'ask another approver',
      )
    return decision.decision === 'needs-approval' ? decision.validForMs : policy.approval.validFor
  }

  /** @returns how long it counts, milliseconds. */
  #assertMayBreak(policy: Policy, { glass, pending }: Awaiting, person: Person, reason: string): number {
    const { who, reasonAtLeast, validFor } = policy.breakGlass
    const { rollbackId, revision } = pending.request
    if (fitting(who, person) === null)
      throw forbidden(
        'break-glass-refused',
        `${person.principal} may not decide alone; breakGlass.who is ${who.join(', ') || 'nobody'}`,
        'ask those who approve',
      )
    if (reason.trim().length < reasonAtLeast)
      throw new SecurityProblem(
        'break-glass-without-reason',
        400,
        'reason-too-short',
        'The reason is too short to decide alone',
        `it has ${reason.trim().length} characters, the policy asks for ${reasonAtLeast}`,
        'say what happened and why nobody else can be asked',
      )
    const before = glass.get(revision)
    if (!before) return validFor
    throw new SecurityProblem(
      'break-glass-again',
      409,
      'glass-is-broken',
      'The glass was broken for this plan before',
      `${before.given.approval.approver} did so for revision ${revision} of rollback ${rollbackId}; it is not prolonged`,
      'ask those who approve',
    )
  }

  #signerOf(by: Decider): { readonly signer: SigningKey; readonly shown: Shown } {
    const { approverKey, voucherKey } = this.options
    if (by.kind === 'known') {
      if (voucherKey) return { signer: voucherKey, shown: by }
      throw new Problem(
        501,
        'no-voucher-key',
        'This coordinator cannot sign for people',
        'it holds no voucher key',
        'set api.voucherKeyFile to a key with the role voucher',
      )
    }
    if (!approverKey)
      throw new Problem(
        501,
        'no-approver-key',
        'This coordinator cannot sign approvals',
        'it holds no approver key',
        'set api.approverKeyFile, or approve with a key of your own: unwind approve',
      )
    if (by.named !== null && by.named !== approverKey.principal)
      throw doesNotFit(
        `${by.named} cannot be signed for: this coordinator holds the key of ${approverKey.principal}`,
        `leave actor out, or say ${approverKey.principal}`,
      )
    return { signer: approverKey, shown: approverKey }
  }

  async #awaiting(rollbackId: string): Promise<Awaiting> {
    const state = await current(this.options, rollbackId)
    const { pending, rollback } = state
    if (!pending || pending.denied)
      throw doesNotFit(
        `rollback ${rollbackId} is ${rollback.phase}, no plan of it waits for approval`,
        'look at GET /v1/rollbacks/{id}',
      )
    return { ...state, pending }
  }
}

interface Awaiting extends Coordination {
  readonly pending: PendingApproval
}

/** I5: whoever decides has seen exactly this plan. It may have changed between the look and the word. */
function assertSame(rollbackId: string, seen: string, waits: string): void {
  if (seen === waits) return
  throw new SecurityProblem(
    'approval-of-another-plan',
    409,
    'plan-changed',
    'Another plan waits than the one that was looked at',
    `rollback ${rollbackId}: the request is about plan ${seen.slice(0, 12)}, what waits is ${waits.slice(0, 12)}`,
    'look at the plan again: GET /v1/rollbacks/{id}/plan',
  )
}

/** The same decision has the same ID; one that renews an earlier one of the same approver says something new. */
function eventIdOf(
  { pending, glass, rollback }: Awaiting,
  approver: string,
  breakGlass: boolean,
  at: number,
): string {
  const { revision } = pending.request
  const plain = eventIds.approvalGranted(rollback.rollbackId, revision, approver)
  if (breakGlass) return `${plain}/break-glass`
  const earlier = pending.given.some(item => item.approval.approver === approver) || glass.has(revision)
  return earlier ? `${plain}/${at}` : plain
}
