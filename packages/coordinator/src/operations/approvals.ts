import { eventIds } from '@unwind/contracts'
import { mayApprove, type Policy } from '@unwind/core'
import { type SigningKey, signApproval } from '@unwind/runtime'
import { doesNotFit, Problem } from './problem.js'
import { current, type Standing } from './standing.js'

export interface ApprovalsOptions extends Standing {
  /** Signs approvals; its principal is the approver. Null: nobody approves through this coordinator. */
  readonly approverKey: SigningKey | null
  readonly policy: Policy
}

/** Saying yes or no to a plan that waits. */
export class Approvals {
  constructor(private readonly options: ApprovalsOptions) {}

  async approve(rollbackId: string, actor: string | null, reason: string): Promise<void> {
    const { approverKey, policy, now, key } = this.options
    const { pending, proposedBy } = await this.#awaiting(rollbackId)
    if (!approverKey)
      throw new Problem(
        501,
        'no-approver-key',
        'This coordinator cannot sign approvals',
        'it holds no approver key',
        'set api.approverKeyFile, or approve with a key of your own: unwind approve',
      )
    if (actor !== null && actor !== approverKey.principal)
      throw doesNotFit(
        `${actor} cannot be signed for: this coordinator holds the key of ${approverKey.principal}`,
        `leave actor out, or say ${approverKey.principal}`,
      )
    if (!mayApprove(pending.request.approvers, approverKey, proposedBy))
      throw new Problem(
        403,
        'may-not-approve',
        'This approval would not count',
        `${approverKey.principal} may not approve what ${proposedBy} proposed; it takes ${pending.request.approvers.join(' or ')}, never the proposer`,
        'ask another approver',
      )
    const { planHash, revision, correlationId } = pending.request
    const at = now()
    const terms = {
      approver: approverKey.principal,
      planHash,
      grantedAt: at,
      expiresAt: at + policy.approval.validFor,
    }
    await this.options.send({
      type: 'ApprovalGranted',
      data: {
        eventId: eventIds.approvalGranted(rollbackId, revision, terms.approver),
        correlationId,
        rollbackId,
        occurredAt: at,
        emitter: key.principal,
        causationId: pending.request.eventId,
        revision,
        approval: signApproval(approverKey, rollbackId, terms),
        reason,
      },
    })
  }

  async deny(rollbackId: string, actor: string, reason: string): Promise<void> {
    const { pending } = await this.#awaiting(rollbackId)
    const { planHash, revision, correlationId, eventId } = pending.request
    const common = {
      correlationId,
      rollbackId,
      occurredAt: this.options.now(),
      emitter: this.options.key.principal,
    }
    await this.options.send({
      type: 'ApprovalDenied',
      data: {
        ...common,
        eventId: eventIds.approvalDenied(rollbackId, revision, actor),
        causationId: eventId,
        revision,
        planHash,
        approver: actor,
        reason,
      },
    })
  }

  async #awaiting(rollbackId: string) {
    const { pending, proposedBy, rollback } = await current(this.options, rollbackId)
    if (!pending || pending.denied)
      throw doesNotFit(
        `rollback ${rollbackId} is ${rollback.phase}, no plan of it waits for approval`,
        'look at GET /v1/rollbacks/{id}',
      )
    return { pending, proposedBy }
  }
}
