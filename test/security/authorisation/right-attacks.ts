import { policySchema } from '@unwind/core'
import { FROZEN } from './desk.js'

import { bearer, command, type HttpAttack } from './http-attack.js'

const glass = { decision: 'break-glass', reason: 'nobody answers, and money is going out' }

/** The caller is known, and may not. */
export const RIGHTS: readonly HttpAttack[] = [
  {
    name: 'an approval by somebody without a role',
    status: 403,
    heard: 'may-not-approve',
    attack: desk => desk.approve(desk.as('eve')),
  },
  {
    name: 'an approval by an operator',
    status: 403,
    heard: 'may-not-approve',
    attack: desk => desk.approve(desk.as('olga', 'operator')),
  },
  {
    name: 'an approval by a group that is called like a property of objects',
    status: 403,
    heard: 'may-not-approve',
    attack: desk =>
      desk.approve(desk.provider.token(desk.provider.claims('eve', ['constructor', '__proto__']))),
  },
  {
    name: 'an approval by a group that is not mapped, though it is called like a role',
    status: 403,
    heard: 'may-not-approve',
    attack: desk => desk.approve(desk.provider.token(desk.provider.claims('eve', ['approver']))),
  },
  {
    name: 'a denial by somebody without a role',
    status: 403,
    heard: 'may-not-approve',
    attack: desk => desk.approve(desk.as('eve'), { decision: 'deny' }),
  },
  {
    name: 'the proposer approves',
    status: 403,
    heard: 'approves-own-proposal',
    attack: desk => desk.approve(desk.as('ana', 'approver')),
  },
  {
    name: 'the proposer approves under a second name',
    status: 403,
    heard: 'approves-own-proposal',
    attack: desk => desk.approve(desk.as('ana-admin', 'approver')),
  },
  {
    name: 'an approval of another plan',
    status: 409,
    heard: 'approval-of-another-plan',
    attack: desk => desk.approve(desk.as('ben', 'approver'), { planHash: 'f'.repeat(64) }),
  },
  {
    name: 'a denial of another plan',
    status: 409,
    heard: 'approval-of-another-plan',
    attack: desk => desk.approve(desk.as('ben', 'approver'), { decision: 'deny', planHash: 'f'.repeat(64) }),
  },
  {
    name: 'an approval of whatever waits',
    status: 400,
    heard: null,
    attack: desk => desk.approve(desk.as('ben', 'approver'), { planHash: undefined }),
  },
  {
    name: 'an approval of the beginning of a hash',
    status: 400,
    heard: null,
    attack: desk => desk.approve(desk.as('ben', 'approver'), { planHash: FROZEN.planHash.slice(0, 12) }),
  },
  {
    name: "an approval in another person's name",
    status: 403,
    heard: 'not-you',
    attack: desk => desk.approve(desk.as('ben', 'approver'), { actor: 'user:cleo' }),
  },
  {
    name: 'an approval in the name of the policy',
    status: 403,
    heard: 'not-you',
    attack: desk => desk.approve(desk.as('ben', 'approver'), { actor: 'policy:default' }),
  },
  {
    name: 'headers that name a person and roles',
    status: 403,
    heard: 'may-not-approve',
    attack: desk =>
      desk.approve(
        desk.as('eve'),
        {},
        { 'x-forwarded-user': 'ben', 'x-roles': 'approver', 'unwind-actor': 'user:ben' },
      ),
  },
  {
    name: 'a header that names the address of the machine itself',
    status: 401,
    heard: 'token-needed',
    attack: desk => desk.approve(null, {}, { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' }),
  },
  {
    name: 'a body that says who may approve',
    status: 400,
    heard: null,
    attack: desk => desk.approve(desk.as('ben', 'approver'), { approvers: ['*'], roles: ['approver'] }),
  },
  {
    name: 'an approval after the policy came to refuse such plans',
    status: 409,
    heard: null,
    attack(desk) {
      desk.policy = policySchema.parse({ rules: [{ name: 'frozen', refuse: 'quarter end' }] })
      return desk.approve(desk.as('ben', 'approver'))
    },
  },
  {
    name: 'an approval after the policy took the role away',
    status: 403,
    heard: 'may-not-approve',
    attack(desk) {
      desk.policy = policySchema.parse({
        people: [{ subject: 'ben', principals: ['user:ben'], roles: ['operator'] }],
      })
      return desk.approve(desk.as('ben', 'approver'))
    },
  },
  {
    name: 'broken glass by somebody who may only approve',
    status: 403,
    heard: 'break-glass-refused',
    attack: desk => desk.approve(desk.as('ben', 'approver'), glass),
  },
  {
    name: 'broken glass where nobody may',
    status: 403,
    heard: 'break-glass-refused',
    attack(desk) {
      desk.policy = policySchema.parse({ preApproved: { maxSteps: 0 } })
      return desk.approve(desk.as('lea', 'incident-lead'), glass)
    },
  },
  {
    name: 'broken glass with hardly a reason',
    status: 400,
    heard: 'break-glass-without-reason',
    attack: desk => desk.approve(desk.as('lea', 'incident-lead'), { ...glass, reason: 'urgent' }),
  },
  {
    name: 'broken glass with a reason of blanks',
    status: 400,
    heard: null,
    attack: desk => desk.approve(desk.as('lea', 'incident-lead'), { ...glass, reason: ' '.repeat(40) }),
  },
  {
    name: 'broken glass over another plan',
    status: 409,
    heard: 'approval-of-another-plan',
    attack: desk => desk.approve(desk.as('lea', 'incident-lead'), { ...glass, planHash: 'e'.repeat(64) }),
  },
  {
    name: 'a proposal by somebody who may only approve',
    status: 403,
    heard: 'may-not-propose',
    attack: desk =>
      desk.post('', { correlationId: 'order-2', reason: 'r' }, bearer(desk.as('ben', 'approver'))),
  },
  {
    name: "a proposal in another's name, to approve it oneself",
    status: 403,
    heard: 'not-you',
    attack: desk =>
      desk.post(
        '',
        { correlationId: 'order-2', reason: 'r', actor: 'user:zoe' },
        bearer(desk.as('ben', 'proposer')),
      ),
  },
  {
    name: 'a command by somebody who may only approve',
    status: 403,
    heard: 'may-not-operate',
    attack: desk => command(desk, desk.as('ben', 'approver')),
  },
  {
    name: "a command in another's name",
    status: 403,
    heard: 'not-you',
    attack: desk => command(desk, desk.as('olga', 'operator'), { actor: 'user:ben' }),
  },
  {
    name: 'a gate that is opened by somebody without a role',
    status: 403,
    heard: 'may-not-operate',
    attack: desk => desk.post('/rb-1/gates/before', { reason: 'now' }, bearer(desk.as('eve'))),
  },
  {
    name: 'an alarm that is silenced by somebody without a role',
    status: 403,
    heard: 'may-not-acknowledge',
    attack: desk =>
      desk.post('/rb-1/acknowledgements', { escalationId: 'x', reason: 'quiet' }, bearer(desk.as('eve'))),
  },
]
