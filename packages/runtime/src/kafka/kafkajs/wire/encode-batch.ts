import type { OutgoingRecord } from '../../port.js'
import { crc32c } from './crc32c.js'

/** Bytes of a record batch before its records (format v2). */
export const BATCH_HEADER_BYTES = 61

const CRC_AT = 17
const ATTRIBUTES_AT = 21
const ABSENT = -1

/** Length of a zigzag varint. */
export function varintLength(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

function writeVarint(buffer: Buffer, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag >= 0x80) {
    buffer[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  buffer[at++] = zigzag
  return at
}

function writeText(buffer: Buffer, at: number, text: string, bytes: number): number {
  const next = writeVarint(buffer, at, bytes)
  buffer.write(text, next, bytes, 'utf8')
  return next + bytes
}

/** Bytes of a record after its length prefix, in a batch in which all records have the same timestamp. */
function bodyLength(record: OutgoingRecord, offsetDelta: number): number {
  const key = Buffer.byteLength(record.key)
  const value = record.value
  // One byte each for the attributes and the timestamp delta.
  let length = 2 + varintLength(offsetDelta) + varintLength(key) + key
  length += value === null ? varintLength(ABSENT) : varintLength(value.length) + value.length
  const names = Object.keys(record.headers)
  for (const name of names) {
    const nameBytes = Buffer.byteLength(name)
    const valueBytes = Buffer.byteLength(record.headers[name]!)
    length += varintLength(nameBytes) + nameBytes + varintLength(valueBytes) + valueBytes
  }
  return length + varintLength(names.length)
}

/** Upper bound of the bytes that a record takes in a batch of any size. */
export function recordLength(record: OutgoingRecord): number {
  const body = bodyLength(record, 0x0fffffff)
  return varintLength(body) + body
}

/**
 * @param timestampMs of every record, epoch ms.
 * @returns one uncompressed record batch, format v2, without producer ID: the plain producer (FACTS: the idempotent
 *   one of kafkajs loses acknowledged records).
 */
export function encodeBatch(records: readonly OutgoingRecord[], timestampMs: number): Buffer {
  let total = BATCH_HEADER_BYTES
  const bodies = new Array<number>(records.length)
  for (let i = 0; i < records.length; i++) {
    const body = bodyLength(records[i]!, i)
    bodies[i] = body
    total += varintLength(body) + body
  }
  const buffer = Buffer.allocUnsafe(total)
  const timestamp = BigInt(timestampMs)
  buffer.writeBigInt64BE(0n, 0)
  buffer.writeInt32BE(total - 12, 8)
  buffer.writeInt32BE(-1, 12)
  buffer.writeInt8(2, 16)
  buffer.writeInt16BE(0, ATTRIBUTES_AT)
  buffer.writeInt32BE(records.length - 1, 23)
  buffer.writeBigInt64BE(timestamp, 27)
  buffer.writeBigInt64BE(timestamp, 35)
  buffer.writeBigInt64BE(-1n, 43)
  buffer.writeInt16BE(-1, 51)
  buffer.writeInt32BE(-1, 53)
  buffer.writeInt32BE(records.length, 57)
  let at = BATCH_HEADER_BYTES
  for (let i = 0; i < records.length; i++) at = writeRecord(buffer, at, records[i]!, i, bodies[i]!)
  buffer.writeUInt32BE(crc32c(buffer, ATTRIBUTES_AT, total), CRC_AT)
  return buffer
}

function writeRecord(
  buffer: Buffer,
  start: number,
  record: OutgoingRecord,
  index: number,
  body: number,
): number {
  let at = writeVarint(buffer, start, body)
  buffer[at++] = 0
  buffer[at++] = 0
  at = writeVarint(buffer, at, index)
  at = writeText(buffer, at, record.key, Buffer.byteLength(record.key))
  if (record.value === null) {
    at = writeVarint(buffer, at, ABSENT)
  } else {
    at = writeVarint(buffer, at, record.value.length)
    buffer.set(record.value, at)
    at += record.value.length
  }
  const names = Object.keys(record.headers)
  at = writeVarint(buffer, at, names.length)
  for (const name of names) {
    const value = record.headers[name]!
    at = writeText(buffer, at, name, Buffer.byteLength(name))
    at = writeText(buffer, at, value, Buffer.byteLength(value))
  }
  return at
}
