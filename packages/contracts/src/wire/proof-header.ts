import { fromBase64url, toBase64url } from './base64url.js'
import { HASH_BYTES, type MerkleProof } from './merkle.js'

/** Records that one signature may cover: a bound for what a stranger's header can make us do. */
export const MAX_BATCH = 65_536

const PATTERN = /^(0|[1-9]\d{0,4})\.([1-9]\d{0,4})\.([A-Za-z0-9_-]*)$/

/** `<index>.<count>.<siblings>`; the siblings of a batch of one are empty. */
export function formatProof(proof: MerkleProof): string {
  return `${proof.index}.${proof.count}.${toBase64url(Buffer.concat(proof.siblings))}`
}

/** @returns null for anything but the one text of a proof. */
export function parseProof(text: string | undefined): MerkleProof | null {
  const match = text === undefined ? null : PATTERN.exec(text)
  if (!match) return null
  const index = Number(match[1])
  const count = Number(match[2])
  const bytes = fromBase64url(match[3]!)
  if (!bytes || bytes.length % HASH_BYTES !== 0 || index >= count || count > MAX_BATCH) return null
  const siblings: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += HASH_BYTES) siblings.push(bytes.subarray(at, at + HASH_BYTES))
  return { index, count, siblings }
}
