import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { policySchema } from '@unwind/core'
import { part, providerKey } from '../../support/identity-provider.js'
import { type Desk, FROZEN } from './desk.js'

export interface HttpAttack {
  readonly name: string
  readonly status: number
  /** Kind of the security event that is heard. Null: the request is malformed, and no right was claimed. */
  readonly heard: string | null
  attack(desk: Desk): Promise<Response>
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const ben = (desk: Desk, over: object = {}) => ({
  ...desk.provider.claims('ben', ['unwind-approvers']),
  ...over,
})
const seconds = () => Math.floor(Date.now() / 1_000)
const signedWith =
  (over: (desk: Desk) => object, header: object = {}) =>
  (desk: Desk) =>
    desk.approve(desk.provider.token(ben(desk, over(desk)), header))
const without = (claim: string) => (desk: Desk) => {
  const { [claim]: _, ...rest } = ben(desk) as Record<string, unknown>
  return desk.approve(desk.provider.token(rest))
}
const command = (desk: Desk, token: string, over: object = {}, headers: Record<string, string> = {}) =>
  desk.post('/rb-1/commands', { command: 'abort', reason: 'mine', ...over }, { ...bearer(token), ...headers })
const glass = { decision: 'break-glass', reason: 'nobody answers, and money is going out' }

/** Who calls cannot be known, or is not who the token is for. */
const TOKENS: readonly HttpAttack[] = [
  { name: 'no token', status: 401, heard: 'token-needed', attack: desk => desk.approve(null) },
  {
    name: 'a word that is no token',
    status: 401,
    heard: 'token-malformed',
    attack: desk => desk.approve('let-me-in'),
  },
  {
    name: 'a token under another scheme',
    status: 401,
    heard: 'token-needed',
    attack: desk => desk.approve(null, {}, { authorization: `Basic ${desk.as('ben', 'approver')}` }),
  },
  {
    name: 'a token for another audience',
    status: 401,
    heard: 'token-claim-aud',
    attack: signedWith(() => ({ aud: 'billing' })),
  },
  {
    name: 'a token of another issuer, signed with the right key',
    status: 401,
    heard: 'token-claim-iss',
    attack: signedWith(() => ({ iss: 'https://idp.evil.example' })),
  },
  {
    name: 'a token that has expired',
    status: 401,
    heard: 'token-expired',
    attack: signedWith(() => ({ iat: seconds() - 120, exp: seconds() - 60 })),
  },
  {
    name: 'a token that is not valid yet',
    status: 401,
    heard: 'token-claim-nbf',
    attack: signedWith(() => ({ nbf: seconds() + 60 })),
  },
  {
    name: 'a token from the future',
    status: 401,
    heard: 'token-claim-iat',
    attack: signedWith(() => ({ iat: seconds() + 600, exp: seconds() + 900 })),
  },
  {
    name: 'an old token that says it holds for years',
    status: 401,
    heard: 'token-expired',
    attack: signedWith(() => ({ iat: seconds() - 86_400, exp: seconds() + 86_400_000 })),
  },
  { name: 'a token without an end', status: 401, heard: 'token-claim-exp', attack: without('exp') },
  { name: 'a token without a beginning', status: 401, heard: 'token-claim-iat', attack: without('iat') },
  { name: 'a token without a subject', status: 401, heard: 'token-claim-sub', attack: without('sub') },
  { name: 'a token without an audience', status: 401, heard: 'token-claim-aud', attack: without('aud') },
  {
    name: 'a token whose subject is no name',
    status: 401,
    heard: 'token-no-name',
    attack: signedWith(() => ({ sub: 'ben\nuser:cleo' })),
  },
  {
    name: 'a token of no algorithm',
    status: 401,
    heard: 'token-algorithm',
    attack: desk => desk.approve(`${part({ alg: 'none', kid: 'one' })}.${part(ben(desk))}.`),
  },
  {
    name: 'a token signed with the public key as a shared secret',
    status: 401,
    heard: 'token-algorithm',
    attack(desk) {
      const input = `${part({ alg: 'HS256', kid: 'one' })}.${part(ben(desk))}`
      const secret = desk.provider.keys[0]!.publicKey.export({ type: 'spki', format: 'pem' })
      return desk.approve(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`)
    },
  },
  {
    name: 'a token of an algorithm that is not allowed here',
    status: 401,
    heard: 'token-algorithm',
    attack(desk) {
      const { privateKey } = generateKeyPairSync('ed25519')
      const input = `${part({ alg: 'EdDSA', kid: 'one' })}.${part(ben(desk))}`
      return desk.approve(`${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`)
    },
  },
  {
    name: 'a token of a key that the issuer does not publish',
    status: 401,
    heard: 'token-unknown-key',
    attack: desk => desk.approve(desk.provider.token(ben(desk), {}, providerKey('mine'))),
  },
  {
    name: 'a token of another key under a published ID',
    status: 401,
    heard: 'token-signature',
    attack: desk => desk.approve(desk.provider.token(ben(desk), {}, providerKey('one'))),
  },
  {
    name: 'a token that brings its own key',
    status: 401,
    heard: 'token-signature',
    attack(desk) {
      const mine = providerKey('one')
      return desk.approve(
        desk.provider.token(ben(desk), { jwk: mine.publicKey.export({ format: 'jwk' }) }, mine),
      )
    },
  },
  {
    name: 'a token that says where its key is',
    status: 401,
    heard: 'token-unknown-key',
    attack: desk =>
      desk.approve(
        desk.provider.token(ben(desk), { jku: 'http://evil.example/jwks', kid: 'evil' }, providerKey('evil')),
      ),
  },
  {
    name: 'a token with an extension that must be understood',
    status: 401,
    heard: 'token-malformed',
    attack: signedWith(() => ({}), { crit: ['admin'], admin: true }),
  },
  {
    name: 'a token whose claims were exchanged',
    status: 401,
    heard: 'token-signature',
    attack(desk) {
      const [header, , signature] = desk.as('ben', 'approver').split('.')
      return desk.approve(`${header}.${part(ben(desk, { sub: 'cleo' }))}.${signature}`)
    },
  },
  {
    name: 'a development token through a proxy',
    status: 403,
    heard: 'development-token-from-afar',
    attack: desk => command(desk, 'a-development-token', {}, { 'x-forwarded-for': '203.0.113.7' }),
  },
  {
    name: 'a part of a development token',
    status: 401,
    heard: 'token-malformed',
    attack: desk => command(desk, 'a-development-toke'),
  },
]

/** The caller is known, and may not. */
const RIGHTS: readonly HttpAttack[] = [
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

export const HTTP_ATTACKS: readonly HttpAttack[] = [...TOKENS, ...RIGHTS]
