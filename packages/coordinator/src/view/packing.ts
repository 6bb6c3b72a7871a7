import { HEADER, parseCloudEventType } from '@unwind/contracts'
import type { IncomingRecord } from '@unwind/runtime'
import { isStorable, packRecord } from './stored-record.js'
import { touchOf } from './touched.js'

/** Records of a batch as the append script unpacks them: (key, field, bytes)…. */
export function packBatch(records: readonly IncomingRecord[]): Buffer {
  const parts: Buffer[] = []
  for (const record of records) {
    if (!isStorable(record)) continue
    const bytes = packRecord(record)
    const head = text16(record.key, `${record.partition}.${record.offset}`)
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(bytes.length)
    parts.push(head, length, bytes)
  }
  return Buffer.concat(parts)
}

/** Which correlation ID a rollback belongs to, from the headers: claims, checked when the records are read. */
export function packRollbacks(records: readonly IncomingRecord[]): Buffer {
  const parts: Buffer[] = []
  for (const record of records) {
    const rollbackId = record.headers[HEADER.rollback]
    if (rollbackId === undefined || rollbackId.length > 200 || !isStorable(record)) continue
    const { type } = parseCloudEventType(record.headers[HEADER.type])
    if (type !== 'RollbackProposed' && type !== 'RollbackRequested') continue
    parts.push(text16(rollbackId, record.key, String(record.timestamp)))
  }
  return Buffer.concat(parts)
}

/** Which resources the records say that they touched: (place, correlation ID, time)…. */
export function packTouched(records: readonly IncomingRecord[]): Buffer {
  const parts: Buffer[] = []
  for (const record of records) {
    const touch = touchOf(record)
    if (touch) parts.push(text16(touch.place, touch.correlationId, String(touch.at)))
  }
  return Buffer.concat(parts)
}

function text16(...texts: readonly string[]): Buffer {
  const size = texts.reduce((sum, text) => sum + 2 + Buffer.byteLength(text), 0)
  const out = Buffer.allocUnsafe(size)
  let at = 0
  for (const text of texts) {
    const length = out.write(text, at + 2)
    out.writeUInt16BE(length, at)
    at += 2 + length
  }
  return out
}
