import { describe, expect, it } from 'vitest'
import { combined, compare, differences, type Images, intend, keptOf } from './compare.js'

const image = (values: Record<string, string | null>) => new Map(Object.entries(values))
const values = (of: Record<string, string>) => new Map(Object.entries(of))
const images = (
  before: Record<string, string | null>,
  after: Record<string, string | null>,
  whole = true,
): Images => ({ before: image(before), after: image(after), between: new Set(), whole })

const change = images({ a: '1', b: '1', c: '1' }, { a: '2', b: '2', c: '1' })

describe('a document, key by key', () => {
  it.each([
    ['as the action left it', { a: '2', b: '2', c: '1' }, { restored: [], left: ['a', 'b'], newer: [] }],
    ['as before', { a: '1', b: '1', c: '1' }, { restored: ['a', 'b'], left: [], newer: [] }],
    ['half restored', { a: '1', b: '2', c: '1' }, { restored: ['a'], left: ['b'], newer: [] }],
    ['with one key changed since', { a: '3', b: '2', c: '1' }, { restored: [], left: ['b'], newer: ['a'] }],
    ['with a key gone since', { b: '2', c: '1' }, { restored: [], left: ['b'], newer: ['a'] }],
    [
      "with somebody else's key changed",
      { a: '2', b: '2', c: '9' },
      { restored: [], left: ['a', 'b'], newer: ['c'] },
    ],
    [
      "with somebody else's key added",
      { a: '2', b: '2', c: '1', d: '1' },
      { restored: [], left: ['a', 'b'], newer: ['d'] },
    ],
  ])('%s', (_, current, expected) => {
    expect(compare(change, values(current))).toEqual({ ours: ['a', 'b'], ...expected })
  })

  it('of which only values were recorded leaves all other keys out of it', () => {
    const partial = images({ a: '1', n: null }, { a: '2', n: '5' }, false)
    expect(compare(partial, values({ a: '2', n: '5', other: '7' }))).toEqual({
      ours: ['a', 'n'],
      restored: [],
      left: ['a', 'n'],
      newer: [],
    })
  })

  it('hides the values of secrets in a difference, not that they differ', () => {
    expect(
      differences('app.yaml', ['a', 'b'], change, values({ a: '3', b: '2' }), key => key === 'a'),
    ).toEqual([
      {
        item: 'app.yaml',
        field: 'a',
        before: '"[not shown]"',
        after: '"[not shown]"',
        current: '"[not shown]"',
      },
      { item: 'app.yaml', field: 'b', before: '1', after: '2', current: '2' },
    ])
  })
})

describe('what is done', () => {
  const decide = (
    current: Record<string, string>,
    policy: 'park' | 'keep' | 'force' | 'merge',
    text: 'before' | 'after' | 'other' = 'other',
  ) => intend(change, compare(change, values(current)), text, policy)

  it('is the whole version only over exactly what the action left', () => {
    expect(decide({ a: '2', b: '2', c: '1' }, 'park', 'after')).toEqual({ kind: 'whole' })
    expect(decide({ a: '2', b: '2', c: '1' }, 'park', 'other')).toEqual({ kind: 'keys', keys: ['a', 'b'] })
  })

  it('is nothing where it is as before', () => {
    expect(decide({ a: '1', b: '1', c: '1' }, 'park', 'before')).toEqual({ kind: 'nothing' })
    expect(decide({ a: '1', b: '1', c: '9' }, 'park')).toEqual({ kind: 'nothing' })
  })

  it.each([
    ['park', { kind: 'conflict' }, 0],
    ['keep', { kind: 'keep' }, 2],
    ['force', { kind: 'whole' }, 0],
    ['merge', { kind: 'keys', keys: ['b'] }, 1],
  ] as const)('with newer data is what the policy %s says (I6)', (policy, intention, kept) => {
    const current = { a: '3', b: '2', c: '1' }
    expect(decide(current, policy)).toEqual(intention)
    expect(keptOf(compare(change, values(current)), policy)).toBe(kept)
  })

  it('never counts as kept what is simply not undone', () => {
    const untouched = compare(change, values({ a: '2', b: '2', c: '1' }))
    for (const policy of ['park', 'keep', 'force', 'merge'] as const)
      expect(keptOf(untouched, policy)).toBe(0)
  })
})

describe('several actions on one document', () => {
  it('are undone as one: from what the latest left to what was before the first', () => {
    const one = images({ a: '1' }, { a: '2' })
    const two = images({ a: '2' }, { a: '3' })
    expect(combined([two, one])).toEqual({
      before: image({ a: '1' }),
      after: image({ a: '3' }),
      between: new Set(),
      whole: true,
    })
  })

  it('show what somebody else changed between them', () => {
    const one = images({ a: '1', x: '1' }, { a: '2', x: '1' })
    const two = images({ a: '2', x: '5' }, { a: '3', x: '5' })
    const all = combined([two, one])
    const comparison = compare(all, values({ a: '3', x: '5' }))
    expect(comparison).toMatchObject({ left: ['a'], newer: ['x'] })
    expect(intend(all, comparison, 'other', 'merge')).toEqual({ kind: 'keys', keys: ['a'] })
  })

  it('of which only values were recorded add up', () => {
    const one = images({ a: '1' }, { a: '2' }, false)
    const two = images({ a: '2', b: null }, { a: '3', b: '1' }, false)
    expect(combined([two, one])).toMatchObject({
      before: image({ a: '1', b: null }),
      after: image({ a: '3', b: '1' }),
    })
  })
})
