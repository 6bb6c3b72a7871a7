/** Murmur2 over the key's UTF-8 bytes, as Java's default partitioner has it, so that all clients agree on a key's partition. */
export function murmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ bytes.length
  let at = 0
  for (; at + 4 <= bytes.length; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = bytes.length - at
  if (rest >= 3) h ^= bytes[at + 2]! << 16
  if (rest >= 2) h ^= bytes[at + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ bytes[at]!, m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

/** @returns 0 … partitions − 1. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions
}
