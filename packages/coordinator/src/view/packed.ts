import type { IncomingRecord } from '@unwind/runtime'
import { isStorable, packRecord } from './stored-record.js'

/** Records as one argument of a script: (key, bytes)…, each after its length. */
export function packBatch(records: readonly IncomingRecord[]): Buffer {
  const parts: Buffer[] = []
  for (const record of records) {
    if (!isStorable(record)) continue
    const bytes = packRecord(record)
    const key = Buffer.from(record.key)
    const head = Buffer.allocUnsafe(2 + key.length + 4)
    head.writeUInt16BE(key.length, 0)
    key.copy(head, 2)
    head.writeUInt32BE(bytes.length, 2 + key.length)
    parts.push(head, bytes)
  }
  return Buffer.concat(parts)
}
