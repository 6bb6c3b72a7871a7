import { describe, expect, it } from 'vitest'
import { type Change, chainsOf } from './chains.js'

let seq = 0
const change = (op: Change['op'], found: number, left = found): Change => ({
  tx: '1',
  seq: String(++seq),
  op,
  found,
  left,
})

/** Rows as lists of what happened to them: kind and the keys found and left. */
function rowsOf(...changes: readonly Change[]): string[] {
  const bySeq = new Map(changes.map(each => [each.seq, each]))
  const rows = new Map<string, string[]>()
  for (const link of chainsOf(changes)) {
    const { op, found, left } = bySeq.get(link.seq)!
    const row = rows.get(link.root) ?? []
    rows.set(link.root, row)
    row[link.layer - 1] = `${op}${found}${left === found ? '' : `>${left}`}`
  }
  return [...rows.values()].map(row => row.join(' '))
}

describe('which changes concern one row', () => {
  it('those of one key', () => {
    expect(rowsOf(change('U', 1), change('U', 2), change('U', 1), change('D', 2))).toEqual(['U1 U1', 'U2 D2'])
  })

  it('a row whose key changes is followed', () => {
    expect(rowsOf(change('U', 1, 10), change('U', 10), change('U', 2, 1), change('U', 10, 11))).toEqual([
      'U1>10 U10 U10>11',
      'U2>1',
    ])
  })

  it('keys that go round in a circle stay three rows', () => {
    expect(rowsOf(change('U', 1, 99), change('U', 2, 1), change('U', 99, 2))).toEqual(['U1>99 U99>2', 'U2>1'])
  })

  it('a row that is deleted and inserted again was replaced', () => {
    expect(rowsOf(change('D', 1), change('I', 1), change('U', 1))).toEqual(['D1 I1 U1'])
  })

  it('one that is inserted elsewhere and takes the place of a deleted one is that row in the end', () => {
    expect(rowsOf(change('D', 3), change('I', 4), change('U', 4, 3))).toEqual(['D3 I4 U4>3'])
  })

  it('an insert where another row has left is a row of its own', () => {
    expect(rowsOf(change('U', 1, 5), change('I', 1))).toEqual(['U1>5', 'I1'])
  })
})
