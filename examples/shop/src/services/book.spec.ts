import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Book, type Command, decide, EMPTY_BOOK, remember } from './book.js'

const make: Command = { kind: 'make', id: 'p1', reference: 'order-1', customerId: 1, amount: 100 }
const takeBack: Command = { kind: 'take-back', id: 'p1', amount: 100, ifMatch: null }
const after = (...commands: [string, Command][]) =>
  commands.reduce((book, [key, command]) => {
    const decision = decide(book, key, command)
    return decision.kind === 'done' ? remember(book, decision.remembered) : book
  }, EMPTY_BOOK)
const statusOf = (book: Book, key: string | null, command: Command) => {
  const decision = decide(book, key, command)
  return decision.kind === 'refused' ? decision.status : decision.kind
}

describe('a book', () => {
  it('takes an entry back once, and answers the same key with the same entry', () => {
    const book = after(['k1', make], ['k2', takeBack])
    expect(book.entries.get('p1')).toMatchObject({ amount: 100, takenBack: 100, reversals: 1, version: 2 })
    expect(decide(book, 'k2', { ...takeBack, ifMatch: '"v1"' })).toEqual({
      kind: 'replayed',
      entry: book.entries.get('p1'),
    })
  })

  it.each([
    ['no key', after(), null, make, 400],
    ['a key of another request', after(['k1', make]), 'k1', takeBack, 422],
    ['an ID that exists', after(['k1', make]), 'k2', make, 409],
    ['an ID that does not exist', after(), 'k1', takeBack, 404],
    ['more than there is', after(['k1', make], ['k2', takeBack]), 'k3', takeBack, 422],
    ['half a cent', after(['k1', make]), 'k2', { ...takeBack, amount: 0.5 }, 422],
    [
      'an older version',
      after(['k1', make], ['k2', { ...takeBack, amount: 1 }]),
      'k3',
      { ...takeBack, amount: 1, ifMatch: '"v1"' },
      412,
    ],
    ['the present version', after(['k1', make]), 'k2', { ...takeBack, ifMatch: '"v1"' }, 'done'],
  ] satisfies [string, Book, string | null, Command, unknown][])(
    'answers %s',
    (_, book, key, command, expected) => {
      expect(statusOf(book, key, command)).toBe(expected)
    },
  )

  it('never gives back more than it took, whatever is asked', () => {
    const command = fc.tuple(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.oneof(
        fc.constant(make),
        fc.integer({ min: -10, max: 120 }).map(amount => ({ ...takeBack, amount })),
      ),
    )
    fc.assert(
      fc.property(fc.array(command), commands => {
        const entry = after(...commands).entries.get('p1')
        expect(entry?.takenBack ?? 0).toBeLessThanOrEqual(100)
      }),
    )
  })
})
