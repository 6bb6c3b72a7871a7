import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assignPartitions, type Candidate } from './assignor.js'

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

const candidate = (
  memberId: string,
  held: Record<string, readonly number[]> = {},
  generation = 1,
): Candidate => ({
  memberId,
  topics: ['t'],
  held,
  generation,
})

const groups = fc
  .record({
    members: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 9 }),
    partitions: fc.integer({ min: 1, max: 30 }),
    claims: fc.array(fc.record({ member: fc.nat(8), partition: fc.nat(40), generation: fc.nat(3) }), {
      maxLength: 40,
    }),
  })
  .map(({ members, partitions, claims }) => ({
    partitions,
    candidates: members.map((memberId, index) => {
      const own = claims.filter(claim => claim.member === index)
      return candidate(memberId, { t: own.map(claim => claim.partition) }, own[0]?.generation ?? 0)
    }),
  }))

describe('sharing partitions', () => {
  test('each partition goes to exactly one member, evenly, whatever members claim', () => {
    fc.assert(
      fc.property(groups, ({ candidates, partitions }) => {
        const shares = [...assignPartitions(candidates, new Map([['t', range(partitions)]])).values()].map(
          one => one.t ?? [],
        )
        expect(shares.flat().sort((a, b) => a - b)).toEqual(range(partitions))
        const sizes = shares.map(share => share.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('the order in which members are listed changes nothing', () => {
    fc.assert(
      fc.property(groups, ({ candidates, partitions }) => {
        const topics = new Map([['t', range(partitions)]])
        const backwards = assignPartitions([...candidates].reverse(), topics)
        expect(new Map([...backwards].sort())).toEqual(
          new Map([...assignPartitions(candidates, topics)].sort()),
        )
      }),
    )
  })

  test('who stays keeps all that it held when another one leaves', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 30 }), (count, partitions) => {
        const topics = new Map([['t', range(partitions)]])
        const before = assignPartitions(
          range(count).map(n => candidate(`m${n}`)),
          topics,
        )
        const staying = [...before].slice(1).map(([memberId, held]) => candidate(memberId, held))
        const after = assignPartitions(staying, topics)
        for (const { memberId, held } of staying)
          expect(after.get(memberId)?.t ?? []).toEqual(expect.arrayContaining([...(held.t ?? [])]))
      }),
    )
  })

  test('one that comes takes only what evenness demands', () => {
    const topics = new Map([['t', range(6)]])
    const shares = assignPartitions(
      [candidate('a', { t: [0, 1, 2] }), candidate('b', { t: [3, 4, 5] }), candidate('c')],
      topics,
    )
    expect(Object.fromEntries(shares)).toEqual({ a: { t: [0, 1] }, b: { t: [3, 4] }, c: { t: [2, 5] } })
  })

  test('of two claims the later generation holds', () => {
    const topics = new Map([['t', [0, 1]]])
    const shares = assignPartitions([candidate('a', { t: [0] }, 3), candidate('b', { t: [0, 1] }, 4)], topics)
    expect(Object.fromEntries(shares)).toEqual({ a: { t: [1] }, b: { t: [0] } })
  })

  test('topics go only to members that read them, and small topics do not all land on the first', () => {
    const topics = new Map([
      ['t', [0]],
      ['u', [0]],
    ])
    const both = (memberId: string) => ({ ...candidate(memberId), topics: ['t', 'u'] })
    expect(Object.fromEntries(assignPartitions([both('a'), both('b')], topics))).toEqual({
      a: { t: [0] },
      b: { u: [0] },
    })
    expect(Object.fromEntries(assignPartitions([both('a'), candidate('b')], topics))).toEqual({
      a: { t: [0], u: [0] },
      b: {},
    })
  })
})
