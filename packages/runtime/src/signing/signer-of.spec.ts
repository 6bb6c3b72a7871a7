import { expect, test } from 'vitest'
import { generateKey, type PublicKey } from './keys.js'
import { TrustStore } from './trust-store.js'

const { publicKey: ana } = generateKey('user:ana', ['approver', 'operator'])
const { publicKey: older } = generateKey('user:ana', ['client'])
const rolesOf = (now: number, ...keys: readonly PublicKey[]) =>
  new TrustStore(keys).signerOf('user:ana', now)?.roles ?? null

test('a principal may what its key says that counts now', () => {
  expect(rolesOf(5, ana)).toEqual(['approver', 'operator'])
  expect(rolesOf(5)).toBeNull()
  expect(rolesOf(5, { ...ana, principal: 'user:ben' })).toBeNull()
})

test('a key that ended or was revoked gives nothing; a newer one of the same principal does', () => {
  expect(rolesOf(5, { ...ana, notAfter: 4 })).toBeNull()
  expect(rolesOf(5, { ...ana, revokedAt: 5 })).toBeNull()
  expect(rolesOf(4, { ...ana, revokedAt: 5 })).toEqual(['approver', 'operator'])
  expect(rolesOf(5, { ...ana, revokedFrom: { 'unwind.rollback/0': '7' } })).toBeNull()
  expect(rolesOf(5, { ...ana, revokedAt: 5 }, older)).toEqual(['client'])
})
