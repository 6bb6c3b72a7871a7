import type { Hash } from './leaf.js'

/** The way from one leaf to the root. */
export interface MerkleProof {
  /** Position of the leaf, from 0. */
  readonly index: number
  /** Leaves in the tree. */
  readonly count: number
  /** Hashes beside the way, from the leaf upwards. */
  readonly siblings: readonly Uint8Array[]
}

export interface MerkleTree {
  readonly root: Uint8Array
  readonly count: number
  proof(index: number): MerkleProof
}

const NODE_PREFIX = 1
export const HASH_BYTES = 32

/**
 * A node without a right neighbour moves up unchanged. It is not paired with itself: then two different batches
 * would have the same root.
 * @param leaves at least one hash of 32 bytes.
 */
export function merkleTree(leaves: readonly Uint8Array[], hash: Hash): MerkleTree {
  if (leaves.length === 0) throw new RangeError('a tree needs at least one leaf')
  const levels: (readonly Uint8Array[])[] = [leaves]
  for (let level = leaves; level.length > 1; ) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const right = level[i + 1]
      above.push(right ? nodeHash(level[i]!, right, hash) : level[i]!)
    }
    levels.push(above)
    level = above
  }
  return {
    root: levels.at(-1)![0]!,
    count: leaves.length,
    proof(index) {
      if (!Number.isInteger(index) || index < 0 || index >= leaves.length)
        throw new RangeError(`leaf ${index} of ${leaves.length}`)
      const siblings: Uint8Array[] = []
      let at = index
      for (const level of levels) {
        const sibling = level[at ^ 1]
        if (sibling) siblings.push(sibling)
        at >>>= 1
      }
      return { index, count: leaves.length, siblings }
    },
  }
}

/**
 * Recomputes the root that a leaf and its proof lead to.
 * @returns null when the proof does not have the shape that its index and count demand.
 */
export function foldProof(leaf: Uint8Array, proof: MerkleProof, hash: Hash): Uint8Array | null {
  const { index, count, siblings } = proof
  if (!Number.isInteger(index) || !Number.isInteger(count) || index < 0 || index >= count) return null
  let node = leaf
  let at = index
  let used = 0
  for (let width = count; width > 1; width = (width + 1) >>> 1) {
    const isLast = at === width - 1
    if (at % 2 === 1 || !isLast) {
      const sibling = siblings[used++]
      if (sibling?.length !== HASH_BYTES) return null
      node = at % 2 === 1 ? nodeHash(sibling, node, hash) : nodeHash(node, sibling, hash)
    }
    at >>>= 1
  }
  return used === siblings.length ? node : null
}

/** Written over by each node: a hash is taken at once, and a dozen of them belong to every record of a large batch. */
const pair = new Uint8Array(1 + 2 * HASH_BYTES)
pair[0] = NODE_PREFIX

/** @param left and right: hashes of 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Hash): Uint8Array {
  pair.set(left, 1)
  pair.set(right, 1 + HASH_BYTES)
  return hash(pair)
}
