/** What is signed of one record. */
export interface SignedParts {
  readonly topic: string
  readonly key: string
  readonly eventId: string
  /** CloudEvents type, version included. */
  readonly type: string
  /** The whole value, magic byte and schema ID included. Null: a tombstone. */
  readonly value: Uint8Array | null
}

/** SHA-256, passed in. */
export type Hash = (bytes: Uint8Array) => Uint8Array

const DOMAIN = 'unwind-record-v1'
/** Leaves and inner nodes begin with different bytes, so that one can never be passed off as the other. */
const LEAF_PREFIX = 0

/**
 * The bytes whose hash is a record's leaf: every part is preceded by its length, so that no two different records have
 * the same statement, wherever the borders between their parts lie.
 */
export function leafStatement(parts: SignedParts): Uint8Array {
  const { topic, key, eventId, type, value } = parts
  const valueLength = value?.length ?? 0
  const textLength = byteLength(topic) + byteLength(key) + byteLength(eventId) + byteLength(type)
  const statement = Buffer.allocUnsafe(1 + 4 + DOMAIN.length + 4 * 4 + textLength + 1 + 4 + valueLength)
  let at = statement.writeUInt8(LEAF_PREFIX, 0)
  at = writeText(statement, at, DOMAIN)
  at = writeText(statement, at, topic)
  at = writeText(statement, at, key)
  at = writeText(statement, at, eventId)
  at = writeText(statement, at, type)
  at = statement.writeUInt8(value === null ? 0 : 1, at)
  at = statement.writeUInt32BE(valueLength, at)
  if (value) statement.set(value, at)
  return statement
}

const { byteLength } = Buffer

function writeText(statement: Buffer, at: number, text: string): number {
  const written = statement.write(text, at + 4)
  statement.writeUInt32BE(written, at)
  return at + 4 + written
}

export function leafHash(parts: SignedParts, hash: Hash): Uint8Array {
  return hash(leafStatement(parts))
}
