import { describe, expect, it } from 'vitest'
import { descendantsOf, groupIsAlive, isAlive } from './processes.js'

describe('the descendants of a process', () => {
  it('are its children and theirs, and nobody else', () => {
    const parents = new Map([
      [10, 1],
      [11, 10],
      [12, 10],
      [13, 12],
      [20, 1],
    ])
    expect(descendantsOf(10, parents).sort()).toEqual([11, 12, 13])
    expect(descendantsOf(20, parents)).toEqual([])
  })

  it('end where a table that was read while it changed forms a ring', () => {
    expect(
      descendantsOf(
        1,
        new Map([
          [1, 2],
          [2, 1],
        ]),
      ),
    ).toEqual([2])
  })
})

describe('a living process', () => {
  it('is this one, and no ID beyond the largest', () => {
    expect(isAlive(process.pid)).toBe(true)
    expect(isAlive(2 ** 22 + 1)).toBe(false)
    expect(groupIsAlive(2 ** 22 + 1)).toBe(false)
  })
})
