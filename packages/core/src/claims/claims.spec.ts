import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan, step } from '../testing/ledger.js'
import { ClaimBook } from './book.js'
import { type Claim, claimOf, commonGround } from './claim.js'

const claim = (rollbackId: string, places: string[], over: Partial<Claim> = {}): Claim => ({
  rollbackId,
  correlationId: `order-${rollbackId}`,
  places,
  systems: null,
  ...over,
})

describe('a claim', () => {
  const actions = (resource: string | null) => [{ actionId: 'a', action: 'x', resource, data: '{}' }]
  const steps = [
    step('orders', [], { actions: actions('orders/7') }),
    step('ledger', [], { actions: actions('balance/1') }),
    step('mail', [], { actions: actions(null) }),
  ]

  test('has the resources of all steps, but not those that many may undo at once', () => {
    expect(claimOf(plan(steps), [])).toEqual({
      rollbackId: 'rb-1',
      correlationId: 'order-1',
      places: ['ledger balance/1', 'orders orders/7'],
      systems: null,
    })
    expect(claimOf(plan(steps), ['ledger balance/*']).places).toEqual(['orders orders/7'])
  })

  test('of a part has only the systems of the part', () => {
    expect(claimOf(plan(steps, { scope: ['mail', 'orders', 'ledger'] }), []).systems).toEqual([
      'ledger',
      'mail',
      'orders',
    ])
  })

  test('of one correlation ID meets another in every system that both take', () => {
    const of = (systems: string[] | null) => claim(String(systems), [], { correlationId: 'c', systems })
    expect(commonGround(of(null), of(null))).toBe('all systems of c')
    expect(commonGround(of(null), of(['mail']))).toBe('mail of c')
    expect(commonGround(of(['mail', 'orders']), of(['orders']))).toBe('orders of c')
    expect(commonGround(of(['mail']), of(['orders']))).toBeNull()
  })
})

describe('the book', () => {
  test('gives all or nothing, and the later one waits for the one that holds', () => {
    const book = new ClaimBook()
    expect(book.take(claim('a', ['x', 'y']))).toBeNull()
    expect(book.take(claim('b', ['w', 'y']))).toEqual({ rollbackId: 'a', on: 'y' })
    expect(book.take(claim('c', ['z']))).toBeNull()
    book.release('a')
    expect(book.take(claim('b', ['w', 'y']))).toBeNull()
  })

  test('lets nobody pass one that waits, so that it is not passed by for ever', () => {
    const book = new ClaimBook()
    book.take(claim('a', ['x']))
    book.take(claim('b', ['x', 'y']))
    expect(book.take(claim('c', ['y']))).toEqual({ rollbackId: 'b', on: 'y' })
    book.release('b')
    expect(book.take(claim('c', ['y']))).toBeNull()
  })

  test('says the same when asked again, and a place in line is kept', () => {
    const book = new ClaimBook()
    book.take(claim('a', ['x']))
    for (let i = 0; i < 2; i++) {
      expect(book.take(claim('b', ['x']))).toEqual({ rollbackId: 'a', on: 'x' })
      expect(book.take(claim('c', ['x']))).toEqual({ rollbackId: 'a', on: 'x' })
      expect(book.take(claim('a', ['x']))).toBeNull()
    }
    book.release('a')
    expect(book.take(claim('c', ['x']))).toEqual({ rollbackId: 'b', on: 'x' })
    expect(book.take(claim('b', ['x']))).toBeNull()
  })

  test('believes the ledger: what was requested holds', () => {
    const book = new ClaimBook()
    book.take(claim('a', ['x']))
    book.take(claim('b', ['x']))
    expect(book.hold(claim('b', ['x']))).toEqual({ rollbackId: 'a', on: 'x' })
    expect(book.hold(claim('c', ['y']))).toBeNull()
    expect([book.holds('a'), book.holds('b')]).toEqual([true, true])
  })

  test('never lets two hold common ground, never lets all wait, and forgets all that has ended', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const places = fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'), { minLength: 1 })
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.option(places)), { maxLength: 40 }), acts => {
        const book = new ClaimBook()
        const open = new Map<string, Claim>()
        for (const [id, wants] of acts) {
          if (wants === null) {
            book.release(id)
            open.delete(id)
          } else {
            // What a rollback wants follows from its plan, which is frozen.
            const mine = open.get(id) ?? claim(id, wants)
            open.set(id, mine)
            book.take(mine)
          }
          const holding = [...open.values()].filter(c => book.holds(c.rollbackId))
          for (const one of holding)
            for (const two of holding) if (one !== two) expect(commonGround(one, two)).toBeNull()
        }
        // Whoever holds ends, one after the other: then everybody gets through.
        for (let round = 0; open.size > 0; round++) {
          expect(round).toBeLessThan(10)
          for (const mine of [...open.values()])
            if (book.take(mine) === null) {
              book.release(mine.rollbackId)
              open.delete(mine.rollbackId)
            }
        }
        expect(book.size).toBe(0)
      }),
    )
  })
})
