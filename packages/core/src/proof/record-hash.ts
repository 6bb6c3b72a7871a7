import type { Hash } from '@unwind/contracts'

/** One record of a topic, as it lies there. */
export interface ProvenRecord {
  readonly offset: bigint
  /** The broker's, epoch ms. */
  readonly timestamp: number
  readonly key: string | null
  readonly value: Uint8Array | null
  /** Decoded as UTF-8. */
  readonly headers: Readonly<Record<string, string>>
}

const DOMAIN = 'unwind-ledger-record-v1'
const ABSENT = 0xffff_ffff

/**
 * Hash over everything of a record: offset, time, key, value and all headers, also those that no signature covers (I8).
 * Each part is preceded by its length, so that no two different records have the same statement.
 */
export function recordHash(record: ProvenRecord, hash: Hash): Uint8Array {
  const parts: (Uint8Array | null)[] = [
    Buffer.from(DOMAIN),
    Buffer.from(`${record.offset}/${record.timestamp}`),
    record.key === null ? null : Buffer.from(record.key),
    record.value,
  ]
  // By name: the order in which a client keeps headers is not part of the record.
  for (const name of Object.keys(record.headers).sort())
    parts.push(Buffer.from(name), Buffer.from(record.headers[name]!))
  const statement = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 0))
  let at = 0
  for (const part of parts) {
    at = statement.writeUInt32BE(part === null ? ABSENT : part.length, at)
    if (part === null) continue
    statement.set(part, at)
    at += part.length
  }
  return hash(statement)
}
