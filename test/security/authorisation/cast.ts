import { generateKey, type Role, signingKey, TrustStore } from '@unwind/runtime'
import { AT } from './watching.js'

const made = (
  principal: string,
  roles: readonly Role[],
  systems: readonly string[] = [],
  over: object = {},
) => {
  const { privateKey, publicKey } = generateKey(principal, roles, systems)
  return { key: signingKey(privateKey), trusted: { ...publicKey, ...over } }
}
export const WHO = {
  coordinator: made('coordinator:one', ['coordinator']),
  second: made('coordinator:two', ['coordinator']),
  sidecar: made('sidecar:orders', ['sidecar'], ['orders']),
  client: made('service:shop', ['client']),
  ana: made('user:ana', ['approver', 'operator']),
  ben: made('user:ben', ['approver']),
  olga: made('user:olga', ['operator']),
  voucher: made('voucher:one', ['voucher']),
  revoked: made('user:rob', ['approver'], [], { revokedAt: AT - 50 }),
  fromOffset: made('user:ray', ['approver'], [], { revokedFrom: { 'unwind.rollback/0': '5' } }),
  ended: made('user:ed', ['approver'], [], { notAfter: AT - 50 }),
  stranger: made('user:eve', ['approver']),
} as const
export type Name = keyof typeof WHO

/** Everybody but the stranger. */
export const TRUST = new TrustStore(
  Object.entries(WHO).flatMap(([name, { trusted }]) => (name === 'stranger' ? [] : [trusted])),
)
