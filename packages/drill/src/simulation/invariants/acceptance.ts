import { type Approval, approvalStatement, type UnwindEvent } from '@unwind/contracts'
import type { SimRecord } from '../log/record.js'
import { modelSignature, type SimTrust } from '../log/trust.js'
import type { PlanTexts } from './plan-texts.js'

const COORDINATOR = new Set([
  'ApprovalRequested',
  'ApprovalGranted',
  'ApprovalDenied',
  'RollbackRequested',
  'OperatorCommandIssued',
  'EscalationRaised',
  'EscalationAcknowledged',
  'EscalationDelivered',
  'RollbackClosed',
  'GateOpened',
  'NoteAdded',
])
const SIDECAR = new Set([
  'CompensationStarted',
  'CompensationCompleted',
  'CompensationFailed',
  'StepParked',
  'SystemFenced',
  'LateActionDetected',
])

/** Whether a record counts: who signed it, whether the key was good then, and whether that signer may say it (I5). */
export function accepts(trust: SimTrust, record: SimRecord, texts: PlanTexts): boolean {
  const { event } = record
  if (event === null) return false
  const verified = trust.verify(record)
  if (!verified.ok) return false
  const { principal, systems, keyId } = verified.signer
  if (event.data.emitter !== principal) return false
  if (event.type === 'RollbackProposed') return true
  if (event.type === 'ActionRecorded')
    return principal === `sidecar:${event.data.system}` || principal.startsWith('service:')
  if (SIDECAR.has(event.type)) return systems.includes((event.data as { system: string }).system)
  if (!COORDINATOR.has(event.type) || principal !== 'coordinator') return false
  if (event.type === 'RollbackRequested' || event.type === 'OperatorCommandIssued')
    return covered(trust, event, keyId, texts)
  return true
}

function covered(
  trust: SimTrust,
  { data }: Extract<UnwindEvent, { type: 'RollbackRequested' | 'OperatorCommandIssued' }>,
  keyId: string,
  texts: PlanTexts,
): boolean {
  if (texts.hash(data.plan) !== data.planHash) return false
  const proposer = 'requestedBy' in data ? data.requestedBy : ''
  return data.approvals.some(approval => {
    if (approval.planHash !== data.planHash) return false
    if (approval.expiresAt !== null && approval.expiresAt <= data.occurredAt) return false
    if (approval.approver.startsWith('policy:')) return approval.keyId === keyId && approval.signature === ''
    return approval.approver !== proposer && genuine(trust, data.rollbackId, approval, data.occurredAt)
  })
}

function genuine(trust: SimTrust, rollbackId: string, approval: Approval, at: number): boolean {
  const { signature: _, ...unsigned } = approval
  const bytes = Buffer.from(approvalStatement(rollbackId, unsigned))
  if (modelSignature(approval.keyId, bytes) !== approval.signature) return false
  const verified = trust.verifyBytes(approval.keyId, bytes, Buffer.from(approval.signature, 'base64url'), at)
  return (
    verified.ok &&
    verified.signer.principal === approval.approver &&
    verified.signer.roles.includes('approver')
  )
}
