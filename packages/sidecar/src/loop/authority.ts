import type { Approval, UnwindEvent } from '@unwind/contracts'
import { admits, approvalsCover, type VerifiedApproval } from '@unwind/core'
import { type Refused, type Signer, type TrustStore, verifyApproval } from '@unwind/runtime'

/**
 * Whether this signer may say this, and, for what starts an effect, whether the approvals cover exactly this plan (I5).
 * The sidecar checks the chain itself: it does not take the coordinator's word for it.
 */
export function createAuthority(
  trust: Pick<TrustStore, 'verifyBytes'>,
): (event: UnwindEvent, signer: Signer) => Refused | null {
  return (event, signer) => {
    const refused = admits(signer, event)
    if (refused) return refused
    switch (event.type) {
      case 'RollbackRequested':
        return covered(event.data, event.data.requestedBy, signer)
      case 'OperatorCommandIssued':
        return covered(event.data, '', signer)
      default:
        return null
    }
  }

  function covered(data: Request, requestedBy: string, signer: Signer): Refused | null {
    const verified = data.approvals.flatMap(approval => verify(data, approval, signer))
    return approvalsCover({ ...data, requestedBy }, data.occurredAt, verified)
  }

  function verify(data: Request, approval: Approval, signer: Signer): VerifiedApproval[] {
    // A policy's approval by the very key that signed this event is covered by the event's signature.
    const byThisSigner = approval.approver.startsWith('policy:') && approval.keyId === signer.keyId
    if (byThisSigner && approval.signature === '') return [{ approval, signer }]
    const result = verifyApproval(trust, data.rollbackId, approval, data.occurredAt)
    return result.ok ? [{ approval, signer: result.signer }] : []
  }
}

interface Request {
  readonly rollbackId: string
  readonly revision: number
  readonly planHash: string
  readonly occurredAt: number
  readonly approvals: readonly Approval[]
}
