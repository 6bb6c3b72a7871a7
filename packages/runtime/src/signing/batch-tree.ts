import { HASH_BYTES, type Hash, type MerkleProof, nodeHash } from '@unwind/contracts'

/**
 * What is known of the tree of one signed batch. Each record brings its own way to the root; ways of one batch share most of
 * their nodes, so a node is computed once and compared from then on. The answer is the same as without that knowledge.
 */
export class BatchTree {
  /** By level, leaves first; only what leads to the verified root. */
  readonly #levels: (Uint8Array | undefined)[][] = []
  /** Leaves by the text of the proof that led them to the root. */
  readonly #proven = new Map<string, Uint8Array>()
  readonly #firstRemembered: number
  #root: Uint8Array | null

  /** @param root that is known to be signed, if any. */
  constructor(
    readonly count: number,
    private readonly hash: Hash,
    root: Uint8Array | null = null,
  ) {
    this.#root = root
    this.#firstRemembered = firstRemembered(count)
  }

  /** Whether this very proof has led this very leaf to the root before: the same record comes to several readers of one process. */
  hasProven(leaf: Uint8Array, proof: string): boolean {
    return same(this.#proven.get(proof), leaf)
  }

  /** @param proof text of a proof for which `admits` has just said true. */
  remember(leaf: Uint8Array, proof: string): void {
    if (this.#proven.size < REMEMBERED_NODES) this.#proven.set(proof, leaf)
  }

  /**
   * Whether this leaf and its proof lead to the root.
   * @param verify asked once, for the first root: whether the batch's signature covers it.
   * @returns null when the proof does not have the shape that its index and count demand.
   */
  admits(leaf: Uint8Array, proof: MerkleProof, verify: (root: Uint8Array) => boolean): boolean | null {
    const way = this.#way(leaf, proof)
    if (way === null) return null
    const root = way.at(-1)!.node
    if (this.#root === null) {
      if (!verify(root)) return false
      this.#root = root
    } else if (!same(root, this.#root)) return false
    for (let level = this.#firstRemembered; level < way.length; level++) {
      const { at, node, sibling } = way[level]!
      this.#levels[level] ??= []
      const known = this.#levels[level]!
      known[at] ??= node
      if (sibling) known[at ^ 1] ??= sibling
    }
    return true
  }

  /** The nodes from the leaf to the root, each with what stands beside it. */
  #way(leaf: Uint8Array, { index, count, siblings }: MerkleProof): Place[] | null {
    if (!Number.isInteger(index) || index < 0 || index >= count || count !== this.count) return null
    const way: Place[] = []
    let node = leaf
    let at = index
    let used = 0
    let level = 0
    for (let width = count; width > 1; width = (width + 1) >>> 1) {
      const alone = at % 2 === 0 && at === width - 1
      const sibling = alone ? null : siblings[used++]
      if (sibling === undefined || (sibling !== null && sibling.length !== HASH_BYTES)) return null
      way.push({ at, node, sibling })
      if (sibling) node = this.#above(level, at, node, sibling)
      at >>>= 1
      level++
    }
    way.push({ at: 0, node, sibling: null })
    return used === siblings.length ? way : null
  }

  #above(level: number, at: number, node: Uint8Array, sibling: Uint8Array): Uint8Array {
    const known = this.#levels[level]
    const above = this.#levels[level + 1]?.[at >>> 1]
    if (above && same(known?.[at], node) && same(known?.[at ^ 1], sibling)) return above
    return at % 2 === 1 ? nodeHash(sibling, node, this.hash) : nodeHash(node, sibling, this.hash)
  }
}

/** Of a larger batch, only the levels near the root are remembered: what is known of each stays a few kilobytes. */
const REMEMBERED_NODES = 64

function firstRemembered(count: number): number {
  let level = 0
  for (let width = count; width > REMEMBERED_NODES; width = (width + 1) >>> 1) level++
  return level
}

interface Place {
  readonly at: number
  readonly node: Uint8Array
  /** Null: it stands alone and moves up unchanged. */
  readonly sibling: Uint8Array | null
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0
}
