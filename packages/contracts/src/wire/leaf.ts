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
  const texts = [DOMAIN, parts.topic, parts.key, parts.eventId, parts.type]
  const lengths = texts.map(text => Buffer.byteLength(text))
  const valueLength = parts.value?.length ?? 0
  const statement = Buffer.allocUnsafe(1 + lengths.reduce((sum, n) => sum + 4 + n, 0) + 1 + 4 + valueLength)
  let at = statement.writeUInt8(LEAF_PREFIX, 0)
  for (const [i, text] of texts.entries()) {
    at = statement.writeUInt32BE(lengths[i]!, at)
    at += statement.write(text, at)
  }
  at = statement.writeUInt8(parts.value === null ? 0 : 1, at)
  at = statement.writeUInt32BE(valueLength, at)
  if (parts.value) statement.set(parts.value, at)
  return statement
}

export function leafHash(parts: SignedParts, hash: Hash): Uint8Array {
  return hash(leafStatement(parts))
}
