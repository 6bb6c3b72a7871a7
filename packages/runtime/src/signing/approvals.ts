import { sign } from 'node:crypto'
import { type Approval, approvalStatement, fromBase64url, toBase64url } from '@unwind/contracts'
import type { SigningKey } from './keys.js'
import type { LogPlace, TrustStore, Verified } from './trust-store.js'

/** What an approver decides; the key adds its ID and the signature. */
export type ApprovalTerms = Omit<Approval, 'keyId' | 'signature'>

/** Signs exactly one plan of one rollback, by one approver, until one moment (I5). */
export function signApproval(key: SigningKey, rollbackId: string, terms: ApprovalTerms): Approval {
  const { approver, planHash, grantedAt, expiresAt } = terms
  const unsigned = { approver, planHash, grantedAt, expiresAt, keyId: key.keyId }
  const signature = toBase64url(
    sign(null, Buffer.from(approvalStatement(rollbackId, unsigned)), key.privateKey),
  )
  return { ...unsigned, signature }
}

/**
 * Checks that a trusted key gave this approval for this rollback, in a role that may: a person's or service's own key
 * with the role "approver", or one with the role "voucher" for a person; a policy's ("policy:…") is signed by the coordinator that applied it. Whether it covers the
 * plan at hand, and is still in force, is the core's to decide.
 * @param at moment for which the key must have been valid, epoch ms: when the record that carries it was written. An
 *   approver's own word (`grantedAt`) would let the holder of a stolen key date it back.
 * @param where that record lies, for keys that were revoked from an offset on.
 */
export function verifyApproval(
  trust: Pick<TrustStore, 'verifyBytes'>,
  rollbackId: string,
  approval: Approval,
  at: number,
  where?: LogPlace,
): Verified {
  const who = `rollback ${rollbackId}: the approval by ${approval.approver}`
  const refused = (why: string): Verified => ({
    ok: false,
    code: 'unauthorised',
    message: `${who} is refused: ${why}`,
  })
  const signature = fromBase64url(approval.signature)
  if (!signature) return refused('its signature is not base64url')
  let statement: string
  try {
    statement = approvalStatement(rollbackId, approval)
  } catch (error) {
    return refused((error as Error).message)
  }
  const verified = trust.verifyBytes(
    approval.keyId,
    Buffer.from(statement),
    signature,
    Math.max(at, approval.grantedAt),
    where,
  )
  if (!verified.ok) return refused(verified.message)
  const { signer } = verified
  if (approval.approver.startsWith('policy:'))
    return signer.roles.includes('coordinator')
      ? verified
      : refused(`only a coordinator applies policies, ${signer.principal} is none`)
  // A voucher signs for people whom it has authenticated, and for no service or system.
  if (signer.roles.includes('voucher') && approval.approver.startsWith('user:')) return verified
  if (signer.principal !== approval.approver)
    return refused(`key ${signer.keyId} belongs to ${signer.principal}`)
  if (!signer.roles.includes('approver'))
    return refused(`${signer.principal} does not have the role "approver"`)
  return verified
}
