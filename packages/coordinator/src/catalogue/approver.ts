import type { UnwindEvent } from '@unwind/contracts'
import { type IncomingRecord, type TrustStore, type Verified, verifyApproval } from '@unwind/runtime'

/** Who gave the approval that a record carries; null: it carries none. It has a signature of its own, whoever carries it (I5). */
export function approverOf(
  trust: Pick<TrustStore, 'verifyBytes'>,
  event: UnwindEvent,
  record: IncomingRecord,
): Verified | null {
  if (event.type !== 'ApprovalGranted') return null
  const { rollbackId, approval } = event.data
  return verifyApproval(trust, rollbackId, approval, record.timestamp, record)
}
