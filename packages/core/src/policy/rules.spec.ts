import { describe, expect, test } from 'vitest'
import { plan, step } from '../testing/ledger.js'
import { decidePolicy } from './decide.js'
import { personOf } from './people.js'
import { policySchema } from './policy.js'
import { missingApprovals } from './quorum.js'

const orders = plan([step('orders')])
const payments = plan([step('orders'), step('payments')])
const stuck = plan([step('orders')], {
  surfaced: [{ actionId: 'm:1', system: 'mail', action: 'mail.sent', code: 'irreversible', message: '' }],
})
const decide = (rules: object[], p = payments, over: object = {}, asked: object = {}) =>
  decidePolicy(policySchema.parse({ rules, ...over }), { proposedBy: 'user:ana', ...asked }, p)

describe('a rule applies', () => {
  const refuse = (when: object, p = payments, over: object = {}, asked: object = {}) =>
    decide([{ name: 'r', when, refuse: 'no' }], p, over, asked).decision === 'refused'

  test.each<[string, object, boolean]>([
    ['to one of its systems', { systems: ['pay*'] }, true],
    ['to no other system', { systems: ['stock'] }, false],
    ['to an action', { actions: ['orders.done'] }, true],
    ['to no other action', { actions: ['orders.sent'] }, false],
    ['above a number of steps', { moreSteps: 1 }, true],
    ['not at that number', { moreSteps: 2 }, false],
    ['above a number of actions', { moreActions: 1 }, true],
    ['not at that number of actions', { moreActions: 2 }, false],
    ['to plans of whom it names', { proposers: ['user:*'] }, true],
    ['only if all holds', { proposers: ['user:*'], moreSteps: 9 }, false],
    ['to everything when it names nothing', {}, true],
    ['not to an incident class that nobody said', { incidentClasses: ['*'] }, false],
    ['to plans without an irreversible action', { irreversible: false }, true],
    ['not to plans without one, if it wants one', { irreversible: true }, false],
  ])('%s', (_, when, applies) => {
    expect(refuse(when)).toBe(applies)
  })

  test('to data classes, environments, incident classes and what cannot be undone', () => {
    const over = { dataClasses: { personal: ['payments/payments.*'] }, environment: 'production' }
    expect(refuse({ dataClasses: ['personal'] }, payments, over)).toBe(true)
    expect(refuse({ dataClasses: ['personal'] }, orders, over)).toBe(false)
    expect(refuse({ environments: ['prod*'] }, payments, over)).toBe(true)
    expect(refuse({ environments: ['staging'] }, payments, over)).toBe(false)
    expect(refuse({ incidentClasses: ['stuck-*'] }, payments, {}, { incidentClass: 'stuck-payment' })).toBe(
      true,
    )
    expect(refuse({ irreversible: true }, stuck)).toBe(true)
  })

  // 2026-03-27 is a Friday; Berlin is an hour ahead of UTC until the 29th.
  test.each<[string, object, string, boolean]>([
    ['in the span', { from: '09:00', to: '17:00' }, '2026-03-27T09:00:00Z', true],
    ['not at its end', { from: '09:00', to: '17:00' }, '2026-03-27T17:00:00Z', false],
    ['in the zone', { from: '18:00', to: '19:00', zone: 'Europe/Berlin' }, '2026-03-27T17:30:00Z', true],
    ['with summer time', { from: '18:00', to: '19:00', zone: 'Europe/Berlin' }, '2026-03-30T16:30:00Z', true],
    ['on the day', { days: ['fri'] }, '2026-03-27T23:59:59Z', true],
    ['on no other day', { days: ['fri'] }, '2026-03-28T00:00:00Z', false],
    ['over midnight, before', { days: ['fri'], from: '22:00', to: '06:00' }, '2026-03-27T23:00:00Z', true],
    ['over midnight, after', { days: ['fri'], from: '22:00', to: '06:00' }, '2026-03-28T05:59:00Z', true],
    [
      'not the morning of that day',
      { days: ['fri'], from: '22:00', to: '06:00' },
      '2026-03-27T05:00:00Z',
      false,
    ],
    ['outside of the span', { from: '09:00', to: '17:00', outside: true }, '2026-03-27T18:00:00Z', true],
    ['not within, then', { from: '09:00', to: '17:00', outside: true }, '2026-03-27T12:00:00Z', false],
  ])('%s', (_, time, at, applies) => {
    expect(refuse({ time }, payments, {}, { at: Date.parse(at) })).toBe(applies)
  })
})

describe('a rule', () => {
  test('lets only some propose, by name, role or team', () => {
    const rule = [{ name: 'ours', propose: ['team:payments', 'role:lead', 'service:*'] }]
    expect(decide(rule)).toEqual({
      decision: 'refused',
      because: [
        'policy default 1.0.0: rule ours lets team:payments or role:lead or service:* propose it, and user:ana proposed',
      ],
    })
    expect(decide(rule, payments, {}, { proposedBy: 'service:shop' }).decision).toBe('pre-approved')
    const person = { subject: 'ana', principals: ['user:ana'] }
    expect(decide(rule, payments, { people: [{ ...person, teams: ['payments'] }] }).decision).toBe(
      'pre-approved',
    )
    expect(decide(rule, payments, { people: [{ ...person, roles: ['lead'] }] }).decision).toBe('pre-approved')
  })

  test('adds to what the others demand, and the shortest validity counts', () => {
    const rules = [
      {
        name: 'two',
        when: { systems: ['payments'] },
        approve: { required: 2, distinct: 'team', validFor: '10m' },
      },
      { name: 'privacy', approve: { approvers: ['role:dpo'], validFor: '20m' } },
    ]
    expect(decide(rules, payments, { preApproved: { maxSteps: 1 } })).toEqual({
      decision: 'needs-approval',
      required: 2,
      approvers: ['role:approver', 'role:dpo'],
      validForMs: 600_000,
      demands: [
        { rule: 'approval', required: 1, approvers: ['role:approver'], distinct: 'person' },
        { rule: 'rule two', required: 2, approvers: ['role:approver'], distinct: 'team' },
        { rule: 'rule privacy', required: 1, approvers: ['role:dpo'], distinct: 'person' },
      ],
      because: [
        'policy default 1.0.0: preApproved.maxSteps is 1, the plan has 2',
        'policy default 1.0.0: rule two asks for 2 approvals of different teams by role:approver',
        'policy default 1.0.0: rule privacy asks for 1 approval by role:dpo',
      ],
    })
  })

  test('may be a playbook, which lifts the general limits and no other rule', () => {
    const playbook = { name: 'stuck', when: { incidentClasses: ['stuck-payment'] }, preApproved: true }
    const over = { preApproved: { maxSteps: 0 } }
    const asked = { incidentClass: 'stuck-payment' }
    expect(decide([playbook], payments, over).decision).toBe('needs-approval')
    expect(decide([playbook], payments, over, asked)).toEqual({
      decision: 'pre-approved',
      because: ['policy default 1.0.0: rule stuck pre-approves it, proposed by user:ana'],
    })
    expect(decide([playbook, { name: 'p', approve: {} }], payments, over, asked).decision).toBe(
      'needs-approval',
    )
    expect(decide([playbook, { name: 'p', refuse: 'x' }], payments, over, asked).decision).toBe('refused')
  })
})

describe('enough approvals', () => {
  const person = (name: string, roles: string[], teams: string[] = [], subject = name) => ({
    principal: `user:${name}`,
    subject,
    roles,
    teams,
  })
  const ana = person('ana', ['approver'])
  const demand = (over: object = {}) => ({
    rule: 'r',
    required: 2,
    approvers: ['role:approver', 'role:dba'],
    distinct: 'person' as const,
    ...over,
  })
  const [ben, cleo] = [person('ben', ['approver'], ['a']), person('cleo', ['approver'], ['a'])]

  test('are of people who are neither the same nor the proposer, under any name', () => {
    expect(missingApprovals([demand()], [ben, cleo], ana)).toEqual([])
    expect(missingApprovals([demand()], [ben, person('ben2', ['approver'], [], 'ben')], ana)).toHaveLength(1)
    expect(missingApprovals([demand()], [ben, ana], ana)).toHaveLength(1)
    expect(missingApprovals([demand()], [ben, person('root', ['approver'], [], 'ana')], ana)).toEqual([
      'r: 1 of 2 approvals by role:approver or role:dba',
    ])
  })

  test('are of different teams, also where people have several', () => {
    const d = demand({ distinct: 'team' })
    expect(missingApprovals([d], [ben, cleo], ana)).toEqual([
      'r: 1 of 2 approvals of different teams by role:approver or role:dba',
    ])
    expect(missingApprovals([d], [person('x', ['approver'], ['a', 'b']), cleo], ana)).toEqual([])
    expect(missingApprovals([d], [person('x', ['approver']), cleo], ana)).toHaveLength(1)
  })

  test('are of different roles, each person for one', () => {
    const d = demand({ distinct: 'role' })
    expect(missingApprovals([d], [ben, cleo], ana)).toHaveLength(1)
    expect(missingApprovals([d], [person('x', ['approver', 'dba']), ben], ana)).toEqual([])
    expect(missingApprovals([d], [person('x', ['approver', 'dba'])], ana)).toHaveLength(1)
  })

  test('meet each demand by itself', () => {
    const dpo = demand({ rule: 'dpo', required: 1, approvers: ['role:dpo'] })
    expect(missingApprovals([demand(), dpo], [ben, cleo], ana)).toEqual(['dpo: 0 of 1 approval by role:dpo'])
    expect(missingApprovals([demand(), dpo], [ben, person('d', ['approver', 'dpo'])], ana)).toEqual([])
  })
})

test('what the policy says of somebody replaces what an identity provider says, and adds to a key', () => {
  const policy = policySchema.parse({
    people: [{ subject: 'ana', principals: ['user:ana', 'user:root'], roles: ['lead'], teams: ['payments'] }],
  })
  expect(
    personOf(policy, { principal: 'user:root', roles: ['approver'], vouched: true, subject: 'x' }),
  ).toEqual({
    principal: 'user:root',
    subject: 'ana',
    roles: ['lead'],
    teams: ['payments'],
  })
  expect(personOf(policy, { principal: 'user:ana', roles: ['approver'] }).roles).toEqual(['approver', 'lead'])
  expect(personOf(policy, { principal: 'user:zoe', roles: ['a'], subject: 'z', vouched: true })).toEqual({
    principal: 'user:zoe',
    subject: 'z',
    roles: ['a'],
    teams: [],
  })
})
