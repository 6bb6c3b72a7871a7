import {
  type EventMap,
  type EventOf,
  eventIds,
  fromBase64url,
  type Hash,
  toBase64url,
} from '@unwind/contracts'
import { z } from 'zod'

/** What one range of a partition held, bound to everything before it. */
export interface Checkpoint {
  readonly topic: string
  readonly partition: number
  /** First offset of the range. */
  readonly from: bigint
  /** The offset after the range. */
  readonly next: bigint
  readonly records: number
  /** First `PREFIX_BYTES` of each record's hash, in order. */
  readonly recordHashes: Uint8Array
  /** Of the chain after the range, hexadecimal. */
  readonly chainHash: string
  /** Digest of the checkpoint before; null: the chain begins here. */
  readonly previous: string | null
}

export interface SignedCheckpoint extends Checkpoint {
  /** Epoch ms, by the emitter's clock. */
  readonly at: number
  readonly keyId: string
  /** Ed25519 over `signedBytes`, base64url. */
  readonly signature: string
  readonly emitter: string
}

/** Enough to tell which record changed; that nothing changed is proven by the chain, which has whole hashes. */
export const PREFIX_BYTES = 8

const DOMAIN = 'unwind-checkpoint-v1\n'

/** Without time and emitter: two coordinators that cut at the same place say the same, and that does no harm. */
export function checkpointDigest(checkpoint: Checkpoint, hash: Hash): string {
  const { topic, partition, from, next, records, recordHashes, chainHash, previous } = checkpoint
  const parts = [
    topic,
    partition,
    `${from}`,
    `${next}`,
    records,
    toBase64url(recordHashes),
    chainHash,
    previous,
  ]
  return Buffer.from(hash(Buffer.from(`${DOMAIN}${JSON.stringify(parts)}`))).toString('hex')
}

/** What the coordinator's key signs. */
export function signedBytes(digest: string, at: number): Uint8Array {
  return Buffer.from(`${DOMAIN}${digest}\n${at}`)
}

export function checkpointEvent(checkpoint: SignedCheckpoint, hash: Hash): EventOf<'LedgerCheckpointed'> {
  const { topic, partition, from, next, records, recordHashes, chainHash, previous } = checkpoint
  const { at, keyId, signature, emitter } = checkpoint
  return {
    type: 'LedgerCheckpointed',
    data: {
      eventId: eventIds.checkpoint(topic, partition, next, checkpointDigest(checkpoint, hash)),
      topic,
      partition,
      fromOffset: String(from),
      nextOffset: String(next),
      records,
      recordHashes: toBase64url(recordHashes),
      chainHash,
      previous,
      keyId,
      signature,
      occurredAt: at,
      emitter,
      causationId: null,
    },
  }
}

/** @returns what is wrong, as text, for data that is no checkpoint. */
export function readCheckpoint(data: EventMap['LedgerCheckpointed']): SignedCheckpoint | string {
  const { topic, partition, records, chainHash, previous, keyId, signature, emitter } = data
  if (![data.fromOffset, data.nextOffset].every(text => /^\d{1,19}$/.test(text)))
    return 'its offsets are not numbers'
  if (!Number.isSafeInteger(data.occurredAt) || !Number.isInteger(partition)) return 'its numbers are none'
  const recordHashes = fromBase64url(data.recordHashes)
  if (!recordHashes || recordHashes.length !== records * PREFIX_BYTES)
    return `it counts ${records} records and has hashes of another number`
  const from = BigInt(data.fromOffset)
  const next = BigInt(data.nextOffset)
  if (next <= from) return 'its range is empty'
  if (!/^[0-9a-f]{64}$/.test(chainHash)) return 'its chain hash is none'
  const range = { topic, partition, from, next, records, recordHashes, chainHash, previous }
  return { ...range, at: data.occurredAt, keyId, signature, emitter }
}

const lineSchema = z.object({
  eventId: z.string(),
  topic: z.string(),
  partition: z.int(),
  fromOffset: z.string(),
  nextOffset: z.string(),
  records: z.int(),
  recordHashes: z.string(),
  chainHash: z.string(),
  previous: z.string().nullable(),
  keyId: z.string(),
  signature: z.string(),
  occurredAt: z.int(),
  emitter: z.string(),
  causationId: z.string().nullable(),
})

/** One line of a witness or of an export: the event's data as JSON. */
export function checkpointLine(checkpoint: SignedCheckpoint, hash: Hash): string {
  return JSON.stringify(checkpointEvent(checkpoint, hash).data)
}

/** @returns what is wrong, as text, for a line that is no checkpoint. */
export function parseCheckpointLine(line: string): SignedCheckpoint | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'it is not JSON'
  }
  const parsed = lineSchema.safeParse(value)
  return parsed.success ? readCheckpoint(parsed.data) : 'it is not a checkpoint'
}
