import type { Approval } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { approvalsCover, type VerifiedApproval } from './approvals-cover.js'

const HASH = 'a'.repeat(64)
const request = { rollbackId: 'rb-1', revision: 2, planHash: HASH, requestedBy: 'user:ana' }
const AT = Date.UTC(2026, 0, 1)

function approval(
  approver: string,
  over: Partial<Approval> = {},
  signer: Partial<VerifiedApproval['signer']> = {},
): VerifiedApproval {
  return {
    approval: {
      approver,
      planHash: HASH,
      grantedAt: AT - 1,
      expiresAt: null,
      keyId: 'k',
      signature: 's',
      ...over,
    },
    signer: { principal: approver, roles: ['approver'], systems: [], ...signer },
  }
}
const policy = (over: Partial<Approval> = {}) =>
  approval('policy:default', over, { principal: 'coordinator', roles: ['coordinator'] })

describe('covers the plan', () => {
  test.each([
    ['an approver who did not propose', [approval('user:ben')]],
    ['a policy, signed by a coordinator', [policy()]],
    ['an approval that expires after the request', [approval('user:ben', { expiresAt: AT + 1 })]],
    ['one good approval beside bad ones', [approval('user:ana'), approval('user:ben')]],
  ])('%s', (_, verified) => {
    expect(approvalsCover(request, AT, verified)).toBeNull()
  })

  test('with a policy, also when that policy proposed', () => {
    expect(approvalsCover({ ...request, requestedBy: 'policy:default' }, AT, [policy()])).toBeNull()
  })
})

describe('does not cover the plan', () => {
  test.each<[string, VerifiedApproval[], string]>([
    ['nothing', [], ''],
    [
      'an approval of another plan',
      [approval('user:ben', { planHash: 'b'.repeat(64) })],
      ' (user:ben approved another plan, bbbbbbbbbbbb)',
    ],
    [
      'an approval that expires with the request',
      [approval('user:ben', { expiresAt: AT })],
      ' (the approval of user:ben expired at 2026-01-01T00:00:00.000Z)',
    ],
    ['the proposer', [approval('user:ana')], ' (user:ana proposed it and cannot approve it)'],
    [
      'somebody without the role',
      [approval('user:ben', {}, { roles: ['operator', 'coordinator'] })],
      ' (user:ben does not have the role approver)',
    ],
    [
      "another one's key",
      [approval('user:ben', {}, { principal: 'user:eve' })],
      ' (the approval names user:ben, and user:eve signed it)',
    ],
    [
      'a policy that no coordinator signed',
      [approval('policy:default')],
      ' (policy:default is signed by policy:default, which is no coordinator)',
    ],
  ])('%s', (_, verified, why) => {
    expect(approvalsCover(request, AT, verified)).toEqual({
      code: 'unauthorised',
      message: `rollback rb-1 revision 2: 0 of 1 valid approvals for plan aaaaaaaaaaaa${why}`,
    })
  })

  test('one approver who is asked for two and approves twice', () => {
    expect(approvalsCover(request, AT, [approval('user:ben'), approval('user:ben')], 2)?.message).toBe(
      'rollback rb-1 revision 2: 1 of 2 valid approvals for plan aaaaaaaaaaaa',
    )
    expect(approvalsCover(request, AT, [approval('user:ben'), approval('user:carl')], 2)).toBeNull()
  })
})
