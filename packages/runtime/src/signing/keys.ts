import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { toBase64url } from '@unwind/contracts'
import { z } from 'zod'
import { sha256 } from './hash.js'

export const ROLES = ['coordinator', 'sidecar', 'client', 'operator', 'approver', 'voucher'] as const
export type Role = (typeof ROLES)[number]

const keyBytes = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 32 bytes as base64url')

const shape = {
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  /** Public key. */
  x: keyBytes,
  kid: z.string().min(1).max(200),
  principal: z.string().regex(/^[a-z][a-z0-9-]*:\S+$/, 'expected <kind>:<name>, e.g. "sidecar:orders"'),
  roles: z.array(z.enum(ROLES)).min(1),
  /** Systems that a sidecar speaks for. */
  systems: z.array(z.string().min(1)).default([]),
} as const

const speaksForSystems = (key: { roles: readonly Role[]; systems: readonly string[] }) =>
  key.roles.includes('sidecar') === key.systems.length > 0
const SYSTEMS_RULE = { error: 'expected systems for the role "sidecar", and for no other', path: ['systems'] }

/** A public key and what its holder may say. */
export const publicKeySchema = z
  .strictObject({
    ...shape,
    /** From this moment on (epoch ms) it signs nothing: it was lost or stolen. */
    revokedAt: z.int().optional(),
    /**
     * By "topic/partition": from this offset on it signs nothing. Where it is given it counts instead of `revokedAt`, so that
     * everyone who reads the log, whenever, draws the same line (I8).
     */
    revokedFrom: z
      .record(
        z.string().regex(/^[A-Za-z0-9._-]+\/\d{1,9}$/, 'expected "topic/partition"'),
        z.string().regex(/^\d{1,19}$/, 'expected an offset in quotes'),
      )
      .optional(),
    /** After this moment (epoch ms) it signs nothing: it was replaced. */
    notAfter: z.int().optional(),
  })
  .refine(speaksForSystems, SYSTEMS_RULE)
export type PublicKey = z.infer<typeof publicKeySchema>

export const privateKeySchema = z
  .strictObject({ ...shape, d: keyBytes })
  .refine(speaksForSystems, SYSTEMS_RULE)
export type PrivateKey = z.infer<typeof privateKeySchema>

/** A private key, ready to sign. */
export interface SigningKey {
  readonly keyId: string
  readonly principal: string
  readonly roles: readonly Role[]
  readonly systems: readonly string[]
  readonly privateKey: KeyObject
}

/**
 * A new Ed25519 key. Its ID is the RFC 7638 thumbprint, so that no two keys share one.
 * @param systems that a sidecar speaks for; empty for every other role.
 */
export function generateKey(
  principal: string,
  roles: readonly Role[],
  systems: readonly string[] = [],
): { readonly privateKey: PrivateKey; readonly publicKey: PublicKey } {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const x = jwk.x!
  const kid = toBase64url(sha256(Buffer.from(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)))
  const common = {
    kty: 'OKP',
    crv: 'Ed25519',
    x,
    kid,
    principal,
    roles: [...roles],
    systems: [...systems],
  } as const
  return {
    privateKey: privateKeySchema.parse({ ...common, d: jwk.d! }),
    publicKey: publicKeySchema.parse(common),
  }
}

export function signingKey(key: PrivateKey): SigningKey {
  const { kid, principal, roles, systems, kty, crv, x, d } = key
  return {
    keyId: kid,
    principal,
    roles,
    systems,
    privateKey: createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' }),
  }
}
