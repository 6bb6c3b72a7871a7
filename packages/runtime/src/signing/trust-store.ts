import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import {
  type DetachedSignature,
  HEADER,
  leafHash,
  type MerkleProof,
  parseProof,
  parseSignature,
  signingInput,
} from '@unwind/contracts'
import type { IncomingRecord } from '../kafka/port.js'
import { Recent } from '../recent.js'
import { BatchTree } from './batch-tree.js'
import { sha256 } from './hash.js'
import type { PublicKey, Role } from './keys.js'
import { signedParts } from './sealer.js'
import { TrustFile, type TrustLog } from './trust-file.js'

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

/** Where a record lies. */
export type LogPlace = Partial<Pick<IncomingRecord, 'topic' | 'partition' | 'offset'>>

interface TrustedKey {
  readonly signer: Signer
  readonly verified: Verified
  readonly key: KeyObject
  /** Epoch ms; infinite: never. */
  readonly expiresAt: number
  readonly revokedAt: number
  /** By "topic/partition": the first offset at which it no longer counts. */
  readonly endsFrom: ReadonlyMap<string, bigint>
}

/** Where the keys come from while the process runs. */
export interface TrustSource {
  /** The keys now, when they have changed since the last call; null: they have not. Asked before every check, so it must be quick. */
  changed(): readonly PublicKey[] | null
}

const MAX_REASON = 500
const SILENT: TrustLog = { info() {}, error() {} }

/** Batches remembered: the records of one arrive together, or a partition apart. */
const REMEMBERED = 256

interface Batch {
  readonly signature: DetachedSignature
  /** Null: nothing of it was verified yet. */
  tree: BatchTree | null
}

/** The public keys that this process believes. */
export class TrustStore {
  readonly #source: TrustSource | null
  #keys: ReadonlyMap<string, TrustedKey>
  /** By signature header. */
  #batches = new Recent<Batch>(REMEMBERED)

  /** @param source of the keys that count later. Absent: these count for as long as the process lives. */
  constructor(keys: readonly PublicKey[], source: TrustSource | null = null) {
    this.#keys = byId(keys)
    this.#source = source
  }

  /**
   * Follows the file: what changes in it counts within a second, without a restart.
   * @param logger told of each change, and of a file that cannot be used; then the keys before it go on to count.
   * @throws KeyFileInvalid naming every key and member that is wrong.
   */
  static load(file: string, logger: TrustLog = SILENT): TrustStore {
    const source = new TrustFile(file, logger)
    return new TrustStore(source.keys, source)
  }

  /**
   * Checks that a trusted key signed exactly this record: its topic, key, event ID, type and value. Verifies the
   * signature itself once a batch; an invalid one is never remembered.
   */
  verify(record: SignedRecord): Verified {
    // Before anything that is remembered is looked at: it may have been proven by a key that no longer counts.
    this.#refresh()
    const header = record.headers[HEADER.signature]
    if (header === undefined) return refused(record, 'it is not signed')
    if (record.key === null) return refused(record, 'it has no key, so it cannot have been signed')
    const batch = this.#batches.get(header) ?? this.#begin(header)
    if (typeof batch === 'string') return refused(record, `its signature cannot be read: ${batch}`)
    const { topic, key, value, headers } = record
    const leaf = leafHash(signedParts({ topic, key, value, headers }), sha256)
    const text = headers[HEADER.proof] ?? ''
    const proof = batch.tree?.hasProven(leaf, text) ? PROVEN : parseProof(text)
    if (!proof) return refused(record, `its header ${HEADER.proof} is missing or no proof`)
    const held = this.#valid(batch.signature.keyId, record.timestamp, record)
    if (typeof held === 'string') return refused(record, held)
    const why = proof === PROVEN ? null : prove(batch, held, leaf, proof, text)
    return why === null ? held.verified : refused(record, why)
  }

  /**
   * Takes a root that this very process has just signed for verified: a sidecar reads its own outcomes back, and would
   * spend twice as long on verifying them as on signing. Whether the key is still valid is checked all the same.
   */
  remember(signatureHeader: string, count: number, root: Uint8Array): void {
    const batch = this.#begin(signatureHeader)
    if (typeof batch !== 'string') batch.tree = new BatchTree(count, sha256, root)
  }

  #begin(header: string): Batch | string {
    const signature = parseSignature(header)
    if (typeof signature === 'string') return signature
    const batch: Batch = { signature, tree: null }
    this.#batches.set(header, batch)
    return batch
  }

  /** What a principal may say, by any of its keys that count now; null: nobody of this name is known. @param now epoch ms. */
  signerOf(principal: string, now: number): Signer | null {
    this.#refresh()
    for (const held of this.#keys.values())
      if (
        held.signer.principal === principal &&
        now < Math.min(held.expiresAt, held.revokedAt) &&
        held.endsFrom.size === 0
      )
        return held.signer
    return null
  }

  /**
   * Checks a bare signature over bytes.
   * @param at moment for which the key must have been valid, epoch ms.
   * @param where the record lies that carries it.
   */
  verifyBytes(
    keyId: string,
    bytes: Uint8Array,
    signature: Uint8Array,
    at: number,
    where: LogPlace = {},
  ): Verified {
    this.#refresh()
    const held = this.#valid(keyId, at, where)
    if (typeof held === 'string') return { ok: false, code: 'unauthorised', message: held }
    if (signature.length !== 64 || !verify(null, bytes, held.key, signature))
      return {
        ok: false,
        code: 'unauthorised',
        message: `it is not what ${held.signer.principal} signed with key ${keyId}`,
      }
    return { ok: true, signer: held.signer }
  }

  #valid(keyId: string, at: number, where: LogPlace): TrustedKey | string {
    const held = this.#keys.get(keyId)
    if (!held) return `its key ${JSON.stringify(keyId)} is not in the trust store`
    const from = held.endsFrom.get(`${where.topic}/${where.partition}`)
    if (from !== undefined && where.offset !== undefined && where.offset >= from)
      return `key ${keyId} of ${held.signer.principal} was revoked from offset ${from} on`
    // Where an offset is named, it draws the line, and the time of the revocation does not (I8).
    const end = from === undefined && held.revokedAt < held.expiresAt ? held.revokedAt : held.expiresAt
    if (at >= end)
      return `key ${keyId} of ${held.signer.principal} ${end === held.expiresAt ? 'ended' : 'was revoked'} at ${new Date(end).toISOString()}, before this was written`
    return held
  }

  #refresh(): void {
    const keys = this.#source?.changed() ?? null
    if (keys === null) return
    this.#keys = byId(keys)
    // An ID may have got another key: what the old one signed is no longer proven.
    this.#batches = new Recent<Batch>(REMEMBERED)
  }
}

/** Instead of a proof that has led this very record to its root before. */
const PROVEN = Symbol('proven')

/** @returns why the record is not part of what was signed; null: it is. */
function prove(
  batch: Batch,
  { key, signer }: TrustedKey,
  leaf: Uint8Array,
  proof: MerkleProof,
  text: string,
): string | null {
  const { keyId, protectedHeader, signature } = batch.signature
  // The signature covers the count too: a proof that claims another one is verified by itself, and fails.
  const known = batch.tree?.count === proof.count ? batch.tree : null
  const tree = known ?? new BatchTree(proof.count, sha256)
  const admitted = tree.admits(leaf, proof, root =>
    verify(null, signingInput(protectedHeader, proof.count, root), key, signature),
  )
  if (admitted === null) return 'its proof does not have the shape of its batch'
  if (!admitted) return `it is not what ${signer.principal} signed with key ${keyId}`
  tree.remember(leaf, text)
  batch.tree = tree
  return null
}

function byId(keys: readonly PublicKey[]): ReadonlyMap<string, TrustedKey> {
  return new Map(keys.map(key => [key.kid, trusted(key)]))
}

function trusted(key: PublicKey): TrustedKey {
  const { kid, principal, roles, systems, kty, crv, x } = key
  const signer: Signer = { principal, roles, systems, keyId: kid }
  return {
    signer,
    verified: { ok: true, signer },
    key: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }),
    expiresAt: key.notAfter === undefined ? Number.POSITIVE_INFINITY : key.notAfter + 1,
    revokedAt: key.revokedAt ?? Number.POSITIVE_INFINITY,
    endsFrom: new Map(Object.entries(key.revokedFrom ?? {}).map(([at, offset]) => [at, BigInt(offset)])),
  }
}

/** Headers are a stranger's, and up to a megabyte long; the message goes into logs, alarms and the ledger. */
function clip(text: string): string {
  return text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}…` : text
}

function refused(record: SignedRecord, why: string): Refusal {
  const { topic, partition, offset, headers } = record
  const at = offset === undefined ? topic : `${topic} partition ${partition} offset ${offset}`
  const event = `${headers[HEADER.type] ?? 'a record'} ${headers[HEADER.id] ?? ''}`.trim()
  return { ok: false, code: 'unauthorised', message: `${at}: ${clip(event)} is refused: ${clip(why)}` }
}
