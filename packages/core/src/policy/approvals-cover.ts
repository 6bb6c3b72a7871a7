import type { Approval, RollbackRequested } from '@unwind/contracts'
import { isoTime } from '../timeline/time.js'
import { hasRole, type Signer, type Unauthorised } from './signer.js'

/** An approval whose signature was verified, with the holder of the key. */
export interface VerifiedApproval {
  readonly approval: Approval
  readonly signer: Signer
}

/**
 * Whether the chain of authority covers exactly this plan (I5). The last check before a sidecar acts.
 *
 * @param at when it must hold, epoch ms: the time of the request, not of the check, since a sidecar that starts again
 *   reads old requests and must come to the same answer.
 * @param verified those of `request.approvals` whose signature holds.
 * @param required distinct approvers; the sidecar asks for one, the coordinator for what its policy says.
 * @returns null when it does.
 */
export function approvalsCover(
  request: Pick<RollbackRequested, 'rollbackId' | 'revision' | 'planHash' | 'requestedBy'>,
  at: number,
  verified: readonly VerifiedApproval[],
  required = 1,
): Unauthorised | null {
  const covering = new Set<string>()
  const why: string[] = []
  for (const item of verified) {
    const problem = problemOf(item, request, at)
    if (problem) why.push(problem)
    else covering.add(item.approval.approver)
  }
  if (covering.size >= required) return null
  return {
    code: 'unauthorised',
    message:
      `rollback ${request.rollbackId} revision ${request.revision}: ${covering.size} of ${required} valid approvals for plan ${short(request.planHash)}` +
      (why.length === 0 ? '' : ` (${why.join('; ')})`),
  }
}

function problemOf(
  { approval, signer }: VerifiedApproval,
  request: Pick<RollbackRequested, 'planHash' | 'requestedBy'>,
  at: number,
): string | null {
  const who = approval.approver
  if (approval.planHash !== request.planHash)
    return `${who} approved another plan, ${short(approval.planHash)}`
  if (approval.expiresAt !== null && approval.expiresAt <= at)
    return `the approval of ${who} expired at ${isoTime(approval.expiresAt)}`
  if (who.startsWith('policy:'))
    return hasRole(signer, 'coordinator')
      ? null
      : `${who} is signed by ${signer.principal}, which is no coordinator`
  // A voucher signs for people whom it has authenticated, and for nobody else.
  const vouched = who.startsWith('user:') && hasRole(signer, 'voucher')
  if (!vouched && who !== signer.principal)
    return `the approval names ${who}, and ${signer.principal} signed it`
  if (!vouched && !hasRole(signer, 'approver')) return `${who} does not have the role approver`
  if (who === request.requestedBy) return `${who} proposed it and cannot approve it`
  return null
}

function short(hash: string): string {
  return hash.slice(0, 12)
}
