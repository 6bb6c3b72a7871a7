import type { IncomingRecord } from '@unwind/runtime'
import { isStorable, packRecord } from './stored-record.js'
import { touchOf } from './touched.js'

/** Records as one argument of a script: (key, bytes)…, each after its length. */
export function packBatch(records: readonly IncomingRecord[]): Buffer {
  const parts: Buffer[] = []
  for (const record of records) {
    if (!isStorable(record)) continue
    const bytes = packRecord(record)
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(bytes.length)
    parts.push(text16(record.key), length, bytes)
  }
  return Buffer.concat(parts)
}

/** Which resources the records say that they touched: (place, correlation ID, time)…, each after its length. */
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
