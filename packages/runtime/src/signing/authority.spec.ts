import { type Approval, freezePlan, hashText, type Plan, type UnwindEvent } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { signApproval } from './approvals.js'
import { createAuthority } from './authority.js'
import { generateKey, type SigningKey, signingKey } from './keys.js'
import { TrustStore } from './trust-store.js'

const one = generateKey('coordinator:one', ['coordinator'])
const two = generateKey('coordinator:two', ['coordinator'])
const ana = generateKey('user:ana', ['approver', 'operator'])
const authority = createAuthority(new TrustStore([one.publicKey, two.publicKey, ana.publicKey]))
const [first, second, approver] = [one, two, ana].map(key => signingKey(key.privateKey)) as [
  SigningKey,
  SigningKey,
  SigningKey,
]

const plan: Plan = {
  format: 1,
  rollbackId: 'rb-1',
  correlationId: 'order-1',
  revision: 1,
  scope: [],
  barrier: false,
  basis: null,
  steps: [],
  gates: [],
  surfaced: [],
}
const frozen = freezePlan(plan)
const byPolicy = (key: SigningKey, planHash = frozen.planHash): Approval => ({
  approver: 'policy:default',
  planHash,
  grantedAt: 1_000,
  expiresAt: null,
  keyId: key.keyId,
  signature: '',
})

function request(over: object): UnwindEvent {
  const data = {
    eventId: 'rb-1/requested/r1',
    correlationId: 'order-1',
    rollbackId: 'rb-1',
    occurredAt: 1_000,
    emitter: first.principal,
    causationId: null,
    revision: 1,
    ...frozen,
    approvals: [byPolicy(first)],
    requestedBy: 'user:bob',
    policy: 'default 1.0.0',
    steps: [],
    ...over,
  }
  return { type: 'RollbackRequested', data }
}

const said = (over: object) => authority(request(over), first)?.message

describe('the authority of a request', () => {
  it('is a policy, applied by the coordinator that signed the request', () => {
    expect(said({})).toBeUndefined()
  })

  it('is not a policy that another coordinator applied, without a signature of that one', () => {
    expect(said({ approvals: [byPolicy(second)] })).toBe(
      `rollback rb-1 revision 1: 0 of 1 valid approvals for plan ${frozen.planHash.slice(0, 12)}`,
    )
    const { keyId: _, signature: __, ...terms } = byPolicy(second)
    expect(said({ approvals: [signApproval(second, 'rb-1', terms)] })).toBeUndefined()
  })

  it('is a person, by a signature over exactly this plan', () => {
    const terms = { approver: 'user:ana', grantedAt: 1_000, expiresAt: null }
    const approve = (planHash: string) => [signApproval(approver, 'rb-1', { ...terms, planHash })]
    expect(said({ approvals: approve(frozen.planHash) })).toBeUndefined()
    expect(said({ approvals: approve('f'.repeat(64)) })).toContain(
      'user:ana approved another plan, ffffffffffff',
    )
  })

  it('is none for a plan that is not the one that was hashed', () => {
    const text = frozen.plan.replace('"revision":1', '"revision":2')
    expect(said({ plan: text })).toBe(
      `rollback rb-1 revision 1: the plan hashes to ${hashText(text)}, the event says ${frozen.planHash}`,
    )
  })

  it('is not looked for before the signer may speak at all', () => {
    expect(authority(request({}), approver)?.message).toBe(
      'RollbackRequested rb-1/requested/r1: it names coordinator:one as its emitter, and user:ana signed it',
    )
  })
})
