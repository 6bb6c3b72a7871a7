import type { Approval } from '../generated/events.js'
import { canonicalJson } from './canonical-json.js'

/** What an approver signs: exactly one plan of one rollback, by one approver, until one moment. */
export function approvalStatement(rollbackId: string, approval: Omit<Approval, 'signature'>): string {
  return canonicalJson({
    statement: 'unwind-approval-v1',
    rollbackId,
    approver: approval.approver,
    planHash: approval.planHash,
    grantedAt: approval.grantedAt,
    expiresAt: approval.expiresAt,
    keyId: approval.keyId,
  })
}
