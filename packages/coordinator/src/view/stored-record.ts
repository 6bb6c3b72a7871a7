import {
  formatProof,
  formatSignature,
  HEADER,
  parseProof,
  parseSignature,
  protectedHeader,
} from '@unwind/contracts'
import type { IncomingRecord } from '@unwind/runtime'

/**
 * Headers kept in the view: what verifying and opening a record need. The correlation ID is the key and is not kept
 * twice. The position in this list is what stands in the bytes: append only.
 */
const KEPT = [
  HEADER.id,
  HEADER.type,
  HEADER.signature,
  HEADER.proof,
  HEADER.traceparent,
  HEADER.subject,
  HEADER.causationId,
  HEADER.rollback,
  HEADER.system,
  HEADER.step,
] as const

/** Signature and proof are most of a record; as bytes they take three quarters of their text. */
const SIGNATURE_BYTES = 100
const PROOF_BYTES = 101

const VERSION = 2
const FIXED = 1 + 4 + 8 + 8 + 1 + 1

/** A record as the bytes that the view keeps: raw, so that whoever reads it verifies and decodes it himself. */
export function packRecord(record: IncomingRecord): Buffer {
  const present: [index: number, value: Uint8Array][] = []
  let size = FIXED + (record.value?.length ?? 0)
  for (let index = 0; index < KEPT.length; index++) {
    const text = record.headers[KEPT[index]!]
    if (text === undefined) continue
    const held = packHeader(KEPT[index]!, index, text)
    present.push(held)
    size += 3 + held[1].length
  }
  const out = Buffer.allocUnsafe(size)
  let at = out.writeUInt8(VERSION, 0)
  at = out.writeUInt32BE(record.partition, at)
  at = out.writeBigUInt64BE(record.offset, at)
  at = out.writeDoubleBE(record.timestamp, at)
  at = out.writeUInt8(record.value === null ? 0 : 1, at)
  at = out.writeUInt8(present.length, at)
  for (const [index, value] of present) {
    at = out.writeUInt8(index, at)
    at = out.writeUInt16BE(value.length, at)
    out.set(value, at)
    at += value.length
  }
  record.value?.copy(out, at)
  return out
}

/** @throws RangeError when the bytes are not of a version that this build knows: flush the view, it rebuilds itself. */
export function unpackRecord(topic: string, key: string, bytes: Buffer): IncomingRecord {
  if (bytes[0] !== VERSION)
    throw new RangeError(
      `the view holds a record of ${key} in format ${bytes[0]}, this version reads ${VERSION}`,
    )
  const partition = bytes.readUInt32BE(1)
  const offset = bytes.readBigUInt64BE(5)
  const timestamp = bytes.readDoubleBE(13)
  const hasValue = bytes[21] === 1
  const headers: Record<string, string> = { [HEADER.correlationId]: key }
  let at = FIXED
  for (let left = bytes[22] ?? 0; left > 0; left--) {
    const index = bytes.readUInt8(at)
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    unpackHeader(headers, index, bytes.subarray(at + 3, end))
    at = end
  }
  return { topic, partition, offset, timestamp, key, value: hasValue ? bytes.subarray(at) : null, headers }
}

/** Whether the record can be kept: headers of a length that the format holds, and a key. */
export function isStorable(record: IncomingRecord): record is IncomingRecord & { readonly key: string } {
  if (record.key === null || record.key.length === 0 || record.key.length > MAX_KEY) return false
  return KEPT.every(name => (record.headers[name]?.length ?? 0) <= MAX_HEADER)
}

/** Longest correlation ID that the view keeps, characters. Longer ones are refused when a rollback is proposed. */
export const MAX_KEY = 1_000
const MAX_HEADER = 16_000

/** A header as bytes only where the bytes give back exactly its text: what a stranger wrote stays as it was written. */
function packHeader(name: string, index: number, text: string): [number, Uint8Array] {
  if (name === HEADER.signature) {
    const bytes = packedSignature(text)
    if (bytes) return [SIGNATURE_BYTES, bytes]
  } else if (name === HEADER.proof) {
    // It reads nothing but the one text of a proof, so the bytes give that text back.
    const proof = parseProof(text)
    if (proof) {
      const head = Buffer.allocUnsafe(4)
      head.writeUInt16BE(proof.index, 0)
      head.writeUInt16BE(proof.count - 1, 2)
      return [PROOF_BYTES, Buffer.concat([head, ...proof.siblings])]
    }
  }
  return [index, Buffer.from(text)]
}

/** Batches of several signers lie mixed in a partition, each with one signature for all of its records. */
const signatures = new Map<string, Uint8Array>()
const REMEMBERED = 256

function packedSignature(text: string): Uint8Array | null {
  const known = signatures.get(text)
  if (known) return known
  const parsed = parseSignature(text)
  if (typeof parsed === 'string') return null
  if (formatSignature(parsed.protectedHeader, parsed.signature) !== text) return null
  const bytes = Buffer.concat([parsed.signature, Buffer.from(parsed.keyId)])
  if (signatures.size >= REMEMBERED) signatures.clear()
  signatures.set(text, bytes)
  return bytes
}

/** Of one correlation ID, mostly one key signed all records. */
let latest = { keyId: '', header: protectedHeader('') }

function headerOf(keyId: string): string {
  if (latest.keyId !== keyId) latest = { keyId, header: protectedHeader(keyId) }
  return latest.header
}

function unpackHeader(headers: Record<string, string>, index: number, bytes: Buffer): void {
  if (index === SIGNATURE_BYTES) {
    headers[HEADER.signature] = formatSignature(headerOf(bytes.toString('utf8', 64)), bytes.subarray(0, 64))
  } else if (index === PROOF_BYTES) {
    const siblings: Uint8Array[] = []
    for (let at = 4; at < bytes.length; at += 32) siblings.push(bytes.subarray(at, at + 32))
    headers[HEADER.proof] = formatProof({
      index: bytes.readUInt16BE(0),
      count: bytes.readUInt16BE(2) + 1,
      siblings,
    })
  } else {
    const name = KEPT[index]
    if (name !== undefined) headers[name] = bytes.toString('utf8')
  }
}
