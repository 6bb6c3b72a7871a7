import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { part, providerKey } from '../../support/identity-provider.js'
import type { Desk } from './desk.js'

import { ben, command, type HttpAttack } from './http-attack.js'

const seconds = () => Math.floor(Date.now() / 1_000)

const signedWith =
  (over: (desk: Desk) => object, header: object = {}) =>
  (desk: Desk) =>
    desk.approve(desk.provider.token(ben(desk, over(desk)), header))

const without = (claim: string) => (desk: Desk) => {
  const { [claim]: _, ...rest } = ben(desk) as Record<string, unknown>
  return desk.approve(desk.provider.token(rest))
}

/** Who calls cannot be known, or is not who the token is for. */
export const TOKENS: readonly HttpAttack[] = [
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
