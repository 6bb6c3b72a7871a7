import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import {
  type DetachedSignature,
  foldProof,
  HEADER,
  leafHash,
  parseProof,
  parseSignature,
  signingInput,
} from '@unwind/contracts'
import type { IncomingRecord } from '../kafka/port.js'
import { sha256 } from './hash.js'
import { loadTrustFile } from './key-files.js'
import type { PublicKey, Role } from './keys.js'
import { Recent } from './recent.js'
import { signedParts } from './sealer.js'

/** Who signed, and what the trust store lets them say. */
export interface Signer {
  readonly principal: string
  readonly roles: readonly Role[]
  /** Systems that a sidecar speaks for. */
  readonly systems: readonly string[]
  readonly keyId: string
}

export interface Refusal {
  readonly ok: false
  readonly code: 'unauthorised'
  readonly message: string
}
export type Verified = { readonly ok: true; readonly signer: Signer } | Refusal

/** What is verified of a record; its timestamp (epoch ms) is held against the key's end. */
export type SignedRecord = Pick<IncomingRecord, 'topic' | 'key' | 'value' | 'headers' | 'timestamp'> &
  Partial<Pick<IncomingRecord, 'partition' | 'offset'>>

interface TrustedKey {
  readonly signer: Signer
  readonly key: KeyObject
  readonly endsAt: number
  readonly why: string
}

/** Roots and headers remembered: the records of one batch arrive together, or a partition apart. */
const REMEMBERED = 1_024

/** The public keys that this process believes. */
export class TrustStore {
  readonly #keys: ReadonlyMap<string, TrustedKey>
  readonly #verifiedRoots = new Recent<true>(REMEMBERED)
  readonly #parsed = new Recent<DetachedSignature>(REMEMBERED)

  constructor(keys: readonly PublicKey[]) {
    this.#keys = new Map(keys.map(key => [key.kid, trusted(key)]))
  }

  /** @throws KeyFileInvalid naming every key and member that is wrong. */
  static load(file: string): TrustStore {
    return new TrustStore(loadTrustFile(file))
  }

  /**
   * Checks that a trusted key signed exactly this record: its topic, key, event ID, type and value. Verifies the
   * signature itself once a batch; an invalid one is never remembered.
   */
  verify(record: SignedRecord): Verified {
    const header = record.headers[HEADER.signature]
    if (header === undefined) return refused(record, 'it is not signed')
    if (record.key === null) return refused(record, 'it has no key, so it cannot have been signed')
    const parsed = this.#parsed.get(header) ?? parseSignature(header)
    if (typeof parsed === 'string') return refused(record, `its signature cannot be read: ${parsed}`)
    this.#parsed.set(header, parsed)
    const proof = parseProof(record.headers[HEADER.proof])
    if (!proof) return refused(record, `its header ${HEADER.proof} is missing or no proof`)
    const held = this.#valid(parsed.keyId, record.timestamp)
    if (typeof held === 'string') return refused(record, held)
    const leaf = leafHash(signedParts({ ...record, key: record.key }), sha256)
    const root = foldProof(leaf, proof, sha256)
    if (!root) return refused(record, 'its proof does not have the shape of its batch')
    const name = rootName(header, proof.count, root)
    if (!this.#verifiedRoots.get(name)) {
      if (!verify(null, signingInput(parsed.protectedHeader, proof.count, root), held.key, parsed.signature))
        return refused(record, `it is not what ${held.signer.principal} signed with key ${parsed.keyId}`)
      this.#verifiedRoots.set(name, true)
    }
    return { ok: true, signer: held.signer }
  }

  /**
   * Takes a root that this very process has just signed for verified: a sidecar reads its own outcomes back, and would
   * spend twice as long on verifying them as on signing. Whether the key is still valid is checked all the same.
   */
  remember(signatureHeader: string, count: number, root: Uint8Array): void {
    this.#verifiedRoots.set(rootName(signatureHeader, count, root), true)
  }

  /**
   * Checks a bare signature over bytes.
   * @param at moment for which the key must have been valid, epoch ms.
   */
  verifyBytes(keyId: string, bytes: Uint8Array, signature: Uint8Array, at: number): Verified {
    const held = this.#valid(keyId, at)
    if (typeof held === 'string') return { ok: false, code: 'unauthorised', message: held }
    if (signature.length !== 64 || !verify(null, bytes, held.key, signature))
      return {
        ok: false,
        code: 'unauthorised',
        message: `it is not what ${held.signer.principal} signed with key ${keyId}`,
      }
    return { ok: true, signer: held.signer }
  }

  #valid(keyId: string, at: number): TrustedKey | string {
    const held = this.#keys.get(keyId)
    if (!held) return `its key ${JSON.stringify(keyId)} is not in the trust store`
    if (at >= held.endsAt)
      return `key ${keyId} of ${held.signer.principal} ${held.why} at ${new Date(held.endsAt).toISOString()}, before this was written`
    return held
  }
}

function rootName(signatureHeader: string, count: number, root: Uint8Array): string {
  return `${signatureHeader}|${count}|${Buffer.from(root).toString('latin1')}`
}

function trusted(key: PublicKey): TrustedKey {
  const { kid, principal, roles, systems, kty, crv, x } = key
  const expiresAt = key.notAfter === undefined ? Number.POSITIVE_INFINITY : key.notAfter + 1
  const revokedAt = key.revokedAt ?? Number.POSITIVE_INFINITY
  return {
    signer: { principal, roles, systems, keyId: kid },
    key: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }),
    endsAt: Math.min(expiresAt, revokedAt),
    why: revokedAt <= expiresAt ? 'was revoked' : 'ended',
  }
}

function refused(record: SignedRecord, why: string): Refusal {
  const { topic, partition, offset, headers } = record
  const at = offset === undefined ? topic : `${topic} partition ${partition} offset ${offset}`
  const event = `${headers[HEADER.type] ?? 'a record'} ${headers[HEADER.id] ?? ''}`.trim()
  return { ok: false, code: 'unauthorised', message: `${at}: ${event} is refused: ${why}` }
}
