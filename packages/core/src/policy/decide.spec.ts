import { describe, expect, test } from 'vitest'
import { plan, step } from '../testing/ledger.js'
import { decidePolicy } from './decide.js'
import { mayApprove } from './may-approve.js'
import { defaultPolicy, policyLabel, policyPrincipal, policySchema } from './policy.js'

const steps = (n: number) => Array.from({ length: n }, (_, i) => step(`s${i}`))
const irreversible = {
  actionId: 'mail:1',
  system: 'mail',
  action: 'mail.sent',
  code: 'irreversible' as const,
  message: '',
}
const ana = { proposedBy: 'user:ana' }

describe('the default policy', () => {
  test('is what an empty file says', () => {
    expect(defaultPolicy()).toEqual({
      apiVersion: 'unwind/v1',
      kind: 'Policy',
      name: 'default',
      version: '1.0.0',
      barrier: false,
      preApproved: { maxSteps: 20, irreversible: false, proposers: ['*'] },
      approval: { required: 1, approvers: ['role:approver'], validFor: 3_600_000, distinct: 'person' },
      partial: { dependants: 'ask' },
      claims: { overlap: 'wait', shared: [] },
      refused: { proposers: [] },
      environment: '',
      dataClasses: {},
      rules: [],
      people: [],
      breakGlass: { who: [], validFor: 900_000, reasonAtLeast: 20 },
      permissions: {
        read: ['*'],
        propose: ['role:proposer', 'role:operator', 'role:client'],
        operate: ['role:operator'],
        approve: ['role:approver'],
        acknowledge: ['role:operator', 'role:approver'],
      },
    })
    expect(policyPrincipal(defaultPolicy())).toBe('policy:default')
    expect(policyLabel(defaultPolicy())).toBe('default 1.0.0')
  })

  test('lets a small plan run at once', () => {
    expect(decidePolicy(defaultPolicy(), ana, plan(steps(20)))).toEqual({
      decision: 'pre-approved',
      because: ['policy default 1.0.0: 20 steps of at most 20, proposed by user:ana'],
    })
  })

  test('asks a person for a plan of more steps', () => {
    expect(decidePolicy(defaultPolicy(), ana, plan(steps(21)))).toEqual({
      decision: 'needs-approval',
      required: 1,
      approvers: ['role:approver'],
      validForMs: 3_600_000,
      demands: [{ rule: 'approval', required: 1, approvers: ['role:approver'], distinct: 'person' }],
      because: ['policy default 1.0.0: preApproved.maxSteps is 20, the plan has 21'],
    })
  })

  test('asks a person when something cannot be undone', () => {
    const decision = decidePolicy(defaultPolicy(), ana, plan(steps(1), { surfaced: [irreversible] }))
    expect(decision).toMatchObject({
      decision: 'needs-approval',
      because: ['policy default 1.0.0: 1 action cannot be undone: mail mail.sent'],
    })
  })

  test('asks nobody for a plan that undoes nothing', () => {
    expect(decidePolicy(defaultPolicy(), ana, plan([], { surfaced: [irreversible] }))).toEqual({
      decision: 'pre-approved',
      because: ['policy default 1.0.0: the plan undoes nothing yet'],
    })
  })
})

describe('a policy of its own', () => {
  const strict = policySchema.parse({
    name: 'strict',
    version: '2.1.0',
    preApproved: { maxSteps: 0, proposers: ['service:*'] },
    approval: { required: 2, approvers: ['user:*'], validFor: '10m' },
    refused: { proposers: ['service:batch-*'], moreSteps: 3 },
  })

  test('names every rule that asks for a person', () => {
    expect(decidePolicy(strict, ana, plan(steps(2)))).toEqual({
      decision: 'needs-approval',
      required: 2,
      approvers: ['user:*'],
      validForMs: 600_000,
      demands: [{ rule: 'approval', required: 2, approvers: ['user:*'], distinct: 'person' }],
      because: [
        'policy strict 2.1.0: preApproved.maxSteps is 0, the plan has 2',
        'policy strict 2.1.0: user:ana is not among preApproved.proposers',
      ],
    })
  })

  test('refuses a proposer and a size that it does not want', () => {
    expect(decidePolicy(strict, { proposedBy: 'service:batch-7' }, plan(steps(4)))).toEqual({
      decision: 'refused',
      because: [
        'policy strict 2.1.0: refused.proposers has "service:batch-*", and service:batch-7 proposed',
        'policy strict 2.1.0: refused.moreSteps is 3, the plan has 4: limit its scope to some of the systems',
      ],
    })
  })
})

test.each([
  [{ preapproved: {} }, 'preapproved'],
  [{ approval: { required: 0 } }, 'approval.required'],
  [{ approval: { approvers: [] } }, 'approval.approvers'],
  [{ approval: { validFor: 60 } }, 'approval.validFor'],
  [{ rules: [{ name: 'empty' }] }, 'rules.0'],
  [{ rules: [{ name: 'r', when: { time: { from: '25:00' } }, refuse: 'x' }] }, 'rules.0.when.time.from'],
  [{ rules: [{ name: 'r', when: { time: { zone: 'Mars/Base' } }, refuse: 'x' }] }, 'rules.0.when.time.zone'],
  [{ rules: [{ name: 'r', when: { system: ['a'] }, refuse: 'x' }] }, 'rules.0.when.system'],
  [{ people: [{ subject: 'ana', principals: ['ana'] }] }, 'people.0.principals.0'],
])('%j is refused at %s', (body, path) => {
  const issue = policySchema.safeParse(body).error?.issues[0]
  expect([...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys : [])].join('.')).toBe(
    path,
  )
})

test('approvers are named by role or by principal, and never approve what they proposed', () => {
  const ben = { principal: 'user:ben', roles: ['approver'], systems: [] }
  expect(mayApprove(['role:approver'], ben, 'user:ana')).toBe(true)
  expect(mayApprove(['role:operator'], ben, 'user:ana')).toBe(false)
  expect(mayApprove(['user:b*'], ben, 'user:ana')).toBe(true)
  expect(mayApprove(['role:approver', '*'], ben, 'user:ben')).toBe(false)
})
