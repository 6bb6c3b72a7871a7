import { type Approval, freezePlan, type UnwindEvent } from '@unwind/contracts'
import { type SigningKey, signApproval } from '@unwind/runtime'
import { type Name, WHO } from './cast.js'
import { FROZEN, PLAN, PROPOSED } from './desk.js'
import { AT } from './watching.js'

export const WRITTEN = { topic: 'unwind.rollback', partition: 0, offset: 7n, timestamp: AT }

export interface LedgerAttack {
  readonly name: string
  readonly by: SigningKey
  readonly event: UnwindEvent
  readonly says: RegExp
}

const keyOf = (name: Name): SigningKey => WHO[name].key
const by = (who: Name, over: Partial<Approval> = {}, rollbackId = 'rb-1', as?: string): Approval => {
  const key = keyOf(who)
  const terms = {
    approver: as ?? key.principal,
    planHash: FROZEN.planHash,
    grantedAt: AT - 100,
    expiresAt: AT + 100,
  }
  return {
    ...signApproval(key, rollbackId, { ...terms, ...over }),
    ...('keyId' in over ? { keyId: over.keyId! } : {}),
  }
}
const about = (who: Name) => ({
  correlationId: 'order-1',
  rollbackId: 'rb-1',
  occurredAt: AT,
  emitter: keyOf(who).principal,
  causationId: null,
})
const request = (
  name: string,
  approvals: readonly Approval[],
  says: RegExp,
  over: object = {},
  who: Name = 'coordinator',
): LedgerAttack => ({
  name,
  by: keyOf(who),
  says,
  event: {
    type: 'RollbackRequested',
    data: {
      ...about(who),
      eventId: 'rb-1/requested/r1',
      revision: 1,
      ...FROZEN,
      approvals,
      requestedBy: 'user:ana',
      policy: 'default 1.0.0',
      steps: [],
      ...over,
    },
  },
})
const command = (
  name: string,
  who: Name,
  approvals: readonly Approval[],
  says: RegExp,
  over: object = {},
): LedgerAttack => ({
  name,
  by: keyOf(who),
  says,
  event: {
    type: 'OperatorCommandIssued',
    data: {
      ...about(who),
      eventId: 'rb-1/command/x',
      command: 'skip',
      stepId: 'orders',
      actor: 'user:olga',
      reason: 'r',
      evidence: null,
      resolution: null,
      revision: 1,
      ...FROZEN,
      approvals,
      steps: [],
      ...over,
    },
  },
})
const said = (
  name: string,
  who: Name,
  type: UnwindEvent['type'],
  data: object,
  says: RegExp,
): LedgerAttack => ({
  name,
  by: keyOf(who),
  says,
  event: { type, data: { ...about(who), eventId: 'rb-1/x', ...data } } as UnwindEvent,
})
const granted = (over: object = {}) => ({
  revision: 1,
  approval: by('ben'),
  reason: 'r',
  roles: [],
  teams: [],
  subject: null,
  breakGlass: false,
  ...over,
})
const forgedPolicy: Approval = {
  approver: 'policy:default',
  planHash: FROZEN.planHash,
  grantedAt: AT,
  expiresAt: null,
  keyId: keyOf('second').keyId,
  signature: '',
}
const NONE = /0 of 1 valid approvals/
const other = freezePlan({ ...PLAN, barrier: true })

/** What holders of real keys write into the ledger past every program of ours. */
export const LEDGER_ATTACKS: readonly LedgerAttack[] = [
  request('a request without an approval', [], NONE),
  request('an approval by a key that nobody trusts', [by('stranger')], NONE),
  request(
    "a forged signature in an approver's name",
    [{ ...by('stranger'), approver: 'user:ben', keyId: keyOf('ben').keyId }],
    NONE,
  ),
  request('an approval whose name was exchanged', [{ ...by('ben'), approver: 'user:cleo' }], NONE),
  request(
    'an approval whose end was put off',
    [{ ...by('ben', { expiresAt: AT - 1 }), expiresAt: AT + 100 }],
    NONE,
  ),
  request('an approval that has expired', [by('ben', { expiresAt: AT - 1 })], /expired/),
  request('an approval of another plan', [by('ben', { planHash: other.planHash })], /another plan/),
  request('an approval of another rollback', [by('ben', {}, 'rb-2')], NONE),
  request('an approval by the proposer', [by('ana')], /proposed it and cannot approve it/),
  request('an approval by somebody without the role', [by('olga')], NONE),
  request('an approval by a sidecar', [by('sidecar')], NONE),
  request('an approval by a revoked key', [by('revoked')], NONE),
  request('an approval by a key that was revoked from an offset on', [by('fromOffset')], NONE),
  request('an approval by a key that was replaced', [by('ended')], NONE),
  request('an approval that a revoked key dates back', [by('revoked', { grantedAt: AT - 90_000 })], NONE),
  request('an approval that is vouched for by a coordinator', [by('second', {}, 'rb-1', 'user:ben')], NONE),
  request('an approval for a service that a voucher signs', [by('voucher', {}, 'rb-1', 'service:bot')], NONE),
  request('a voucher that speaks for the policy', [by('voucher', {}, 'rb-1', 'policy:default')], NONE),
  request('a voucher that speaks for the proposer', [by('voucher', {}, 'rb-1', 'user:ana')], /proposed it/),
  request('the policy of another coordinator, unsigned', [forgedPolicy], NONE),
  request('the policy in the name of an approver', [by('ben', {}, 'rb-1', 'policy:default')], NONE),
  request('another plan under an approved hash', [by('ben')], /the plan hashes to/, { plan: other.plan }),
  request('broken glass without the word of the policy', [by('ana')], NONE),
  request("a client's request", [by('ben')], /it takes coordinator/, {}, 'client'),
  request("a sidecar's request", [by('ben')], /it takes coordinator/, {}, 'sidecar'),
  request("an approver's own request", [by('ben')], /it takes coordinator/, {}, 'ben'),
  request("a voucher's request", [by('ben')], /it takes coordinator/, {}, 'voucher'),
  request(
    "a request in the coordinator's name",
    [by('ben')],
    /names coordinator:one as its emitter/,
    { emitter: 'coordinator:one' },
    'client',
  ),
  command('a command by an operator past the coordinator', 'olga', [by('ben')], /it takes coordinator/),
  command('a command without authority for its plan', 'coordinator', [], NONE),
  command(
    'a command with an approval that has expired',
    'coordinator',
    [by('ben', { expiresAt: AT - 1 })],
    /expired/,
  ),
  command('a command that brings another plan', 'coordinator', [by('ben')], /the plan hashes to/, {
    plan: other.plan,
  }),
  said(
    'a proposal under another name',
    'client',
    'RollbackProposed',
    { ...PROPOSED.data, emitter: 'service:shop', proposedBy: 'user:ben' },
    /sign with the key of user:ben/,
  ),
  said('an approval that a sidecar carries', 'sidecar', 'ApprovalGranted', granted(), /it takes coordinator/),
  said(
    'an approval that its carrier makes into broken glass',
    'olga',
    'ApprovalGranted',
    granted({ breakGlass: true }),
    /is no coordinator/,
  ),
  said(
    'an approval to which its carrier adds roles',
    'ben',
    'ApprovalGranted',
    granted({ roles: ['dpo'] }),
    /is no coordinator/,
  ),
  said(
    'an approval to which its carrier adds a team',
    'ben',
    'ApprovalGranted',
    granted({ teams: ['payments'] }),
    /is no coordinator/,
  ),
  said(
    'a denial under another name',
    'ben',
    'ApprovalDenied',
    { revision: 1, planHash: '', approver: 'user:cleo', reason: 'r' },
    /sign with the key of user:cleo/,
  ),
  said(
    'a gate that a client opens',
    'client',
    'GateOpened',
    { gateId: 'g', openedBy: 'service:shop', reason: 'r' },
    /it takes coordinator or operator/,
  ),
  said(
    'an alarm that an approver silences past the coordinator',
    'ben',
    'EscalationAcknowledged',
    { escalationId: 'x', actor: 'user:ben', reason: 'r' },
    /it takes coordinator/,
  ),
  said(
    'an end that a sidecar declares',
    'sidecar',
    'RollbackClosed',
    { endState: 'RESTORED_VERIFIED' },
    /it takes coordinator/,
  ),
  said(
    "another system's proof",
    'sidecar',
    'CompensationCompleted',
    { system: 'payments', stepId: 'payments' },
    /speaks for orders, not for payments/,
  ),
]
