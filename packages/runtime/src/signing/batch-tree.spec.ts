import { foldProof, type MerkleProof, merkleTree } from '@unwind/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchTree } from './batch-tree.js'
import { sha256 } from './hash.js'

const leaf = (n: number) => sha256(Buffer.from(`leaf ${n}`))

/** What the tree says when it knows nothing: the whole way computed for each record. */
function plainly(root: Uint8Array, count: number, node: Uint8Array, proof: MerkleProof): boolean | null {
  const folded = proof.count === count ? foldProof(node, proof, sha256) : null
  return folded && Buffer.compare(folded, root) === 0
}

describe('the tree of a batch', () => {
  it('computes each node once', () => {
    const tree = merkleTree(
      Array.from({ length: 32 }, (_, n) => leaf(n)),
      sha256,
    )
    let hashes = 0
    const counted = new BatchTree(32, bytes => {
      hashes++
      return sha256(bytes)
    })
    for (let n = 0; n < 32; n++) expect(counted.admits(leaf(n), tree.proof(n), () => true)).toBe(true)
    expect(hashes).toBe(31)
  })

  it('computes the nodes near the root once in a large batch, and forgets those near the leaves', () => {
    const tree = merkleTree(
      Array.from({ length: 256 }, (_, n) => leaf(n)),
      sha256,
    )
    let hashes = 0
    const counted = new BatchTree(256, bytes => {
      hashes++
      return sha256(bytes)
    })
    for (let n = 0; n < 256; n++) expect(counted.admits(leaf(n), tree.proof(n), () => true)).toBe(true)
    expect(hashes).toBe(2 * 256 + 63)
  })

  it('asks for the signature once, and again when it did not hold', () => {
    const { proof } = merkleTree([leaf(0), leaf(1)], sha256)
    const asked: boolean[] = []
    const known = new BatchTree(2, sha256)
    for (const answer of [false, true, true])
      known.admits(leaf(0), proof(0), () => {
        asked.push(answer)
        return answer
      })
    expect(asked).toEqual([false, true])
  })

  it.each([
    [1, 16],
    [65, 140],
  ])('says the same as without any knowledge, whatever came before, for %i to %i leaves', (min, max) => {
    const change = fc.record({
      index: fc.nat(15),
      leaf: fc.option(fc.nat(15)),
      sibling: fc.option(fc.nat(4)),
      moved: fc.option(fc.nat(15)),
      drop: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.integer({ min, max }), fc.array(change, { maxLength: 40 }), (count, changes) => {
        const leaves = Array.from({ length: count }, (_, n) => leaf(n))
        const { root, proof } = merkleTree(leaves, sha256)
        const known = new BatchTree(count, sha256, root)
        for (const c of changes) {
          const honest = proof(c.index % count)
          const siblings = honest.siblings
            .slice(c.drop ? 1 : 0)
            .map((s, i) => (i === c.sibling ? leaf(99) : s))
          const given = { ...honest, siblings, index: c.moved ?? honest.index }
          const node = leaf(c.leaf ?? c.index % count)
          const expected = plainly(root, count, node, given)
          expect(known.admits(node, given, () => true)).toBe(expected)
        }
      }),
    )
  })
})
