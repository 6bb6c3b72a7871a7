import { sign } from 'node:crypto'
import {
  formatProof,
  formatSignature,
  HEADER,
  leafHash,
  MAX_BATCH,
  merkleTree,
  protectedHeader,
  signingInput,
} from '@unwind/contracts'
import type { OutgoingRecord } from '../kafka/port.js'
import { sha256 } from './hash.js'
import type { SigningKey } from './keys.js'
import type { TrustStore } from './trust-store.js'

export type Sealer = (batch: readonly OutgoingRecord[]) => readonly OutgoingRecord[]

/**
 * Signs all records of one send with one signature over the root of their Merkle tree; each record carries it with
 * the way from its own leaf to that root (I5, I8). The same batch gives the same headers.
 * @param trust told of each root, where the process reads its own records back.
 */
export function createSealer(key: SigningKey, trust?: Pick<TrustStore, 'remember'>): Sealer {
  const header = protectedHeader(key.keyId)
  const seal: Sealer = batch => {
    if (batch.length === 0) return batch
    if (batch.length > MAX_BATCH) return [...seal(batch.slice(0, MAX_BATCH)), ...seal(batch.slice(MAX_BATCH))]
    const tree = merkleTree(
      batch.map(record => leafHash(signedParts(record), sha256)),
      sha256,
    )
    const signature = formatSignature(
      header,
      sign(null, signingInput(header, tree.count, tree.root), key.privateKey),
    )
    trust?.remember(signature, tree.count, tree.root)
    return batch.map((record, index) => ({
      ...record,
      headers: {
        ...record.headers,
        [HEADER.signature]: signature,
        [HEADER.proof]: formatProof(tree.proof(index)),
      },
    }))
  }
  return seal
}

/** What the signature of a record covers. A record without the headers of an event is signed as having none. */
export function signedParts(record: Pick<OutgoingRecord, 'topic' | 'key' | 'value' | 'headers'>) {
  const { topic, key, value, headers } = record
  return { topic, key, value, eventId: headers[HEADER.id] ?? '', type: headers[HEADER.type] ?? '' }
}
