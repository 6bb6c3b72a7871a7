import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { leafHash, leafStatement, type SignedParts } from './leaf.js'
import { foldProof, merkleTree } from './merkle.js'
import { formatProof, parseProof } from './proof-header.js'
import { formatSignature, parseSignature, protectedHeader, signingInput } from './signature-header.js'

const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
const leavesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => sha256(Uint8Array.of(i & 255, i >>> 8)))
const parts: SignedParts = {
  topic: 't',
  key: 'k',
  eventId: 'e',
  type: 'unwind.NoteAdded.v1',
  value: Buffer.from([0, 0, 0, 0, 1, 9]),
}

describe('the statement of a record', () => {
  test('is domain, topic, key, event ID, type and value, each after its length', () => {
    const text = (value: string) =>
      `${Buffer.byteLength(value).toString(16).padStart(8, '0')}${Buffer.from(value).toString('hex')}`
    expect(hex(leafStatement(parts))).toBe(
      `00${text('unwind-record-v1')}${text('t')}${text('k')}${text('e')}${text('unwind.NoteAdded.v1')}0100000006000000000109`,
    )
    expect(hex(leafStatement({ ...parts, value: null }))).toMatch(/0000000000$/)
  })

  test('differs for any two records that differ, wherever the borders of their parts lie', () => {
    const anyParts = fc.record({
      topic: fc.string({ maxLength: 3 }),
      key: fc.string({ maxLength: 3 }),
      eventId: fc.string({ maxLength: 3 }),
      type: fc.string({ maxLength: 3 }),
      value: fc.option(fc.uint8Array({ maxLength: 3 })),
    })
    const same = (a: SignedParts, b: SignedParts) =>
      JSON.stringify({ ...a, value: hex(a.value) }) === JSON.stringify({ ...b, value: hex(b.value) })
    fc.assert(
      fc.property(anyParts, anyParts, (a, b) => {
        expect(hex(leafStatement(a)) === hex(leafStatement(b))).toBe(same(a, b))
      }),
    )
  })

  test('of an absent value is not that of an empty one', () => {
    expect(hex(leafHash({ ...parts, value: null }, sha256))).not.toBe(
      hex(leafHash({ ...parts, value: new Uint8Array() }, sha256)),
    )
  })
})

describe('a tree', () => {
  test('of one leaf is that leaf, with an empty proof', () => {
    const leaf = leavesOf(1)[0]!
    const tree = merkleTree([leaf], sha256)
    expect(hex(tree.root)).toBe(hex(leaf))
    expect(tree.proof(0)).toEqual({ index: 0, count: 1, siblings: [] })
    expect(formatProof(tree.proof(0))).toBe('0.1.')
  })

  test('has the same root as a recursive reading of its definition', () => {
    const node = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.from([1, ...left, ...right]))
    const reference = (leaves: readonly Uint8Array[]): Uint8Array => {
      if (leaves.length === 1) return leaves[0]!
      let half = 1
      while (half * 2 < leaves.length) half *= 2
      return node(reference(leaves.slice(0, half)), reference(leaves.slice(half)))
    }
    for (let count = 1; count <= 33; count++)
      expect(hex(merkleTree(leavesOf(count), sha256).root), `${count} leaves`).toBe(
        hex(reference(leavesOf(count))),
      )
  })

  test('does not pair a lone leaf with itself', () => {
    const [a, b, c] = leavesOf(3) as [Uint8Array, Uint8Array, Uint8Array]
    expect(hex(merkleTree([a, b, c], sha256).root)).not.toBe(hex(merkleTree([a, b, c, c], sha256).root))
  })

  test('leads every leaf to its root, and only at its own place in a batch of that size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat(), (count, i, j) => {
        const leaves = leavesOf(count)
        const tree = merkleTree(leaves, sha256)
        const index = i % count
        const proof = parseProof(formatProof(tree.proof(index)))!
        expect(hex(foldProof(leaves[index]!, proof, sha256))).toBe(hex(tree.root))
        const other = j % count
        if (other !== index) {
          expect(hex(foldProof(leaves[other]!, proof, sha256))).not.toBe(hex(tree.root))
          expect(hex(foldProof(leaves[index]!, { ...proof, index: other }, sha256))).not.toBe(hex(tree.root))
        }
      }),
    )
  })

  test('refuses a proof with too few or too many siblings, or of a place outside the batch', () => {
    const leaves = leavesOf(5)
    const tree = merkleTree(leaves, sha256)
    const proof = tree.proof(2)
    expect(foldProof(leaves[2]!, { ...proof, siblings: proof.siblings.slice(1) }, sha256)).toBeNull()
    expect(foldProof(leaves[2]!, { ...proof, siblings: [...proof.siblings, leaves[0]!] }, sha256)).toBeNull()
    expect(
      foldProof(leaves[2]!, { ...proof, siblings: proof.siblings.map(s => s.subarray(1)) }, sha256),
    ).toBeNull()
    expect(foldProof(leaves[2]!, { ...proof, index: 5 }, sha256)).toBeNull()
    expect(foldProof(leaves[2]!, { ...proof, index: -1 }, sha256)).toBeNull()
    expect(() => tree.proof(5)).toThrow('leaf 5 of 5')
    expect(() => merkleTree([], sha256)).toThrow('at least one leaf')
  })
})

describe('header texts', () => {
  test.each([
    undefined,
    '',
    '0.1',
    '1.1.',
    '00.1.',
    '0.01.',
    '-1.1.',
    '0.1.A',
    '0.2.====',
    '0.65537.',
    `0.2.${'A'.repeat(42)}B`,
  ])('%j is no proof', text => {
    expect(parseProof(text)).toBeNull()
  })

  const header = protectedHeader('key-1')
  const signature = Uint8Array.from({ length: 64 }, (_, i) => i)

  test('a signature is a detached JWS with an unencoded payload', () => {
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'EdDSA',
      b64: false,
      crit: ['b64'],
      kid: 'key-1',
    })
    expect(parseSignature(formatSignature(header, signature))).toEqual({
      keyId: 'key-1',
      protectedHeader: header,
      signature: Buffer.from(signature),
    })
  })

  test('the key signs header, domain, size and root', () => {
    const input = signingInput(header, 3, Uint8Array.of(7, 8))
    expect(Buffer.from(input).toString('latin1')).toBe(`${header}.unwind-batch-v1\n\x00\x00\x00\x03\x07\x08`)
  })

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const bytes = Buffer.from(signature).toString('base64url')
  test.each([
    ['', 'it is not a detached JWS'],
    [`${header}.payload.${bytes}`, 'it is not a detached JWS'],
    [`${header}..${bytes.slice(1)}`, 'it is not a detached JWS of Ed25519'],
    [`${header}..${bytes.slice(0, -1)}B`, 'it is not a detached JWS of Ed25519'],
    [
      `${encoded({ alg: 'none', b64: false, crit: ['b64'], kid: 'key-1' })}..${bytes}`,
      'its protected header is not {alg: EdDSA, b64: false, crit: [b64], kid}',
    ],
    [
      `${encoded({ alg: 'EdDSA', kid: 'key-1' })}..${bytes}`,
      'its protected header is not {alg: EdDSA, b64: false, crit: [b64], kid}',
    ],
    [
      `${encoded({ alg: 'EdDSA', b64: false, crit: ['b64', 'x'], kid: 'key-1', x: 1 })}..${bytes}`,
      'its protected header is not {alg: EdDSA, b64: false, crit: [b64], kid}',
    ],
    [
      `${encoded({ alg: 'EdDSA', b64: false, crit: ['b64'], kid: 7 })}..${bytes}`,
      'its protected header is not {alg: EdDSA, b64: false, crit: [b64], kid}',
    ],
    [`bm90IGpzb24..${bytes}`, 'its protected header is not {alg: EdDSA, b64: false, crit: [b64], kid}'],
  ])('%j is no such signature', (text, why) => {
    expect(parseSignature(text)).toBe(why)
  })
})
