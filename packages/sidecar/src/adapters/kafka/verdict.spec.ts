import { expect, test } from 'vitest'
import type { Item } from './item.js'
import { Sighting } from './sighting.js'
import { differencesOf, isKept, judge, merge } from './verdict.js'

const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
const BEFORE = '{"a":1,"b":1}'
const AFTER = '{"a":2,"b":2}'

function itemOf(replaced: boolean, over: Partial<Item> = {}): Item {
  return {
    name: 't/k',
    action: {} as Item['action'],
    topic: 't',
    key: 'k',
    value: bytes(BEFORE),
    id: 'ours',
    headers: {},
    replaced: replaced ? { partition: 0, offset: 5n, at: 0, value: bytes(AFTER) } : null,
    ours: new Set(replaced ? [5n] : []),
    ...over,
  }
}

/** Records of the key: offset, value, and "*" for one with our ID. */
function seenOf(item: Item, ...records: readonly (readonly [number, string | null, '*'?])[]): Sighting {
  const seen = new Sighting([item])
  seen.take(
    records.map(([offset, value, ours]) => ({
      topic: 't',
      partition: 0,
      offset: BigInt(offset),
      timestamp: 0,
      key: 'k',
      value: bytes(value),
      headers: ours ? { ce_id: 'ours' } : { ce_id: `other-${offset}` },
    })),
  )
  return seen
}

test.each([
  [[], 'open'],
  [[[7, '{}', '*']], 'restored'],
  [
    [
      [7, '{}', '*'],
      [9, '{}', '*'],
    ],
    'doubled',
  ],
  [[[7, '{}']], 'open'],
] as const)('events %j: %s', (records, kind) => {
  const item = itemOf(false)
  expect(judge(item, seenOf(item, ...records)).kind).toBe(kind)
})

test.each([
  ['the action is the newest', [[5, AFTER]], 'open'],
  [
    'ours is the newest',
    [
      [5, AFTER],
      [6, BEFORE, '*'],
    ],
    'restored',
  ],
  [
    'ours is the newest, twice',
    [
      [5, AFTER],
      [6, BEFORE, '*'],
      [7, BEFORE, '*'],
    ],
    'restored',
  ],
  [
    'somebody else restored it',
    [
      [5, AFTER],
      [6, '{"b":1,"a":1}'],
    ],
    'restored',
  ],
  [
    'somebody wrote something newer',
    [
      [5, AFTER],
      [6, '{"a":3}'],
    ],
    'newer',
  ],
  [
    'somebody deleted it',
    [
      [5, AFTER],
      [6, null],
    ],
    'newer',
  ],
  [
    'somebody wrote the same again',
    [
      [5, AFTER],
      [6, '{"b":2,"a":2}'],
    ],
    'open',
  ],
  ['the action was compacted away', [[9, '{"a":3}']], 'newer'],
  ['the key is gone altogether', [], 'newer'],
  [
    'ours, with newer fields kept',
    [
      [5, AFTER],
      [6, '{"a":1,"b":3}', '*'],
    ],
    'merged',
  ],
  [
    'something came after ours',
    [
      [5, AFTER],
      [6, BEFORE, '*'],
      [7, '{"a":3}'],
    ],
    'overtaken',
  ],
  [
    'what the action wrote came after ours',
    [
      [5, AFTER],
      [6, BEFORE, '*'],
      [7, AFTER],
    ],
    'overtaken',
  ],
  ['the log ends before the action', [[4, AFTER]], 'absent'],
] as const)('newest record of a key, %s', (_, records, kind) => {
  const item = itemOf(true)
  expect(judge(item, seenOf(item, ...records)).kind).toBe(kind)
})

test('a key that is gone is restored where nothing stood before', () => {
  const item = itemOf(true, { value: null })
  expect(judge(item, seenOf(item)).kind).toBe('restored')
})

test('a difference is told against what the action left, or against what should be restored', () => {
  const item = itemOf(true)
  const verdict = judge(item, seenOf(item, [5, AFTER], [6, '{"a":2,"b":3,"c/d":4}']))
  expect(differencesOf(item, verdict, 'left')).toEqual([
    { item: 't/k', field: '/b', before: '1', after: '2', current: '3' },
    { item: 't/k', field: '/c~1d', before: null, after: null, current: '4' },
  ])
  expect(differencesOf(item, verdict, 'restored').map(({ field }) => field)).toEqual(['/a', '/b', '/c~1d'])
})

test.each([
  ['{"a":2,"b":3}', '{"a":1,"b":3}'],
  ['{"a":2,"b":2,"c":4}', '{"a":1,"b":1,"c":4}'],
  ['{"b":2}', '{"b":1}'],
  ['[1]', null],
  [null, null],
])('merged into %s: %s', (current, merged) => {
  const value = merge(itemOf(true), { current: bytes(current), after: bytes(AFTER) })
  expect(value?.toString() ?? null).toBe(merged)
})

test('a field that the action added is taken out by a merge', () => {
  const item = itemOf(true, { value: bytes('{}') })
  const value = merge(item, { current: bytes('{"a":2,"b":9}'), after: bytes(AFTER) })
  expect(value?.toString()).toBe('{"b":9}')
})

test.each([
  ['newer', 'keep', true],
  ['newer', 'merge', false],
  ['merged', 'merge', true],
  ['merged', 'force', false],
  ['overtaken', 'keep', true],
  ['overtaken', 'force', false],
] as const)('%s under %s counts as kept: %s', (kind, policy, kept) => {
  expect(isKept({ kind, standing: { current: null, after: null } }, policy)).toBe(kept)
})
