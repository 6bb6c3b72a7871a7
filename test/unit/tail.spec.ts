import { describe, expect, it } from 'vitest'
import { Tail } from '../support/tail.js'

describe('the tail by which tests wait', () => {
  const numbers = () => new Tail<number>('the list', String)

  it('resolves at once when the condition holds already, and later when it comes to hold', async () => {
    const tail = numbers()
    tail.push(1)
    expect(await tail.until('one', all => all.includes(1))).toEqual([1])
    const two = tail.first('two', n => n === 2)
    tail.push(2)
    expect(await two).toBe(2)
  })

  it('fails with what it waited for and what came instead', async () => {
    const tail = numbers()
    tail.push(1)
    await expect(tail.until('three', all => all.includes(3), 5)).rejects.toThrow(
      'waited 5 ms for: three. the list has:\n  1',
    )
    await expect(numbers().until('anything', all => all.length > 0, 5)).rejects.toThrow('(nothing)')
  })
})
