import { HEADER } from '@unwind/contracts'
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

const VERSION = 1
const FIXED = 1 + 4 + 8 + 8 + 1 + 1

/** A record as the bytes that the view keeps: raw, so that whoever reads it verifies and decodes it himself. */
export function packRecord(record: IncomingRecord): Buffer {
  const present: [index: number, value: Buffer][] = []
  let size = FIXED + (record.value?.length ?? 0)
  KEPT.forEach((name, index) => {
    const text = record.headers[name]
    if (text === undefined) return
    const value = Buffer.from(text)
    present.push([index, value])
    size += 3 + value.length
  })
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
    at += value.copy(out, at)
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
    const name = KEPT[bytes.readUInt8(at)]
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (name !== undefined) headers[name] = bytes.toString('utf8', at + 3, end)
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
