import { type Approval, type FrozenPlan, hashText, type UnwindEvent } from '@unwind/contracts'
import { admits, approvalsCover, type Signer, type Unauthorised, type VerifiedApproval } from '@unwind/core'
import type { IncomingRecord } from '../kafka/port.js'
import { verifyApproval } from './approvals.js'
import type { TrustStore } from './trust-store.js'

/** Whoever signed a record, after its signature was verified. */
interface Speaker extends Signer {
  readonly keyId: string
}

/** Where and when the record that carries an event was written, as the broker says. */
export type Written = Pick<IncomingRecord, 'topic' | 'partition' | 'offset' | 'timestamp'>

/** @param written absent: the emitter's word for the time is taken. */
export type Authority = (event: UnwindEvent, signer: Speaker, written?: Written) => Unauthorised | null

/**
 * Whether this signer may say this, and, for what starts an effect, whether the approvals cover exactly this plan (I5).
 * The same check for all: each sidecar makes it itself and does not take the coordinator's word for it; the coordinator
 * makes it to set aside and alarm, once, what every sidecar will refuse.
 */
export function createAuthority(trust: Pick<TrustStore, 'verifyBytes'>): Authority {
  return (event, signer, written) => {
    const refused = admits(signer, event)
    if (refused) return refused
    switch (event.type) {
      case 'RollbackRequested':
        return covered(event.data, event.data.requestedBy, signer, written)
      case 'OperatorCommandIssued':
        return covered(event.data, '', signer, written)
      default:
        return null
    }
  }

  function covered(
    data: Request,
    requestedBy: string,
    signer: Speaker,
    written: Written | undefined,
  ): Unauthorised | null {
    const verified = data.approvals.flatMap(approval => verify(data, approval, signer, written))
    return anotherPlan(data) ?? approvalsCover({ ...data, requestedBy }, data.occurredAt, verified)
  }

  function verify(
    data: Request,
    approval: Approval,
    signer: Speaker,
    written: Written | undefined,
  ): VerifiedApproval[] {
    // A policy's approval by the very key that signed this event is covered by the event's signature.
    const byThisSigner = approval.approver.startsWith('policy:') && approval.keyId === signer.keyId
    if (byThisSigner && approval.signature === '') return [{ approval, signer }]
    // The broker's time: who holds two stolen keys could date the request back to before they were revoked.
    const at = written?.timestamp ?? data.occurredAt
    const result = verifyApproval(trust, data.rollbackId, approval, at, written)
    return result.ok ? [{ approval, signer: result.signer }] : []
  }
}

interface Request extends FrozenPlan {
  readonly rollbackId: string
  readonly revision: number
  readonly occurredAt: number
  readonly approvals: readonly Approval[]
}

/** What was approved is the hash; what would be run is the plan. A fold would not take it, but would not say so either. */
function anotherPlan({ rollbackId, revision, plan, planHash }: Request): Unauthorised | null {
  const actual = hashText(plan)
  if (actual === planHash) return null
  const message = `rollback ${rollbackId} revision ${revision}: the plan hashes to ${actual}, the event says ${planHash}`
  return { code: 'unauthorised', message }
}
