import { expect, test } from 'vitest'
import { type Identifiers, InvalidAction, identifiersText } from './identifiers.js'

test('identifiers become canonical JSON: equal data gives equal text', () => {
  expect(identifiersText({ b: true, a: 'x', c: 7 })).toBe('{"a":"x","b":true,"c":7}')
  expect(identifiersText({ c: 7, b: true, a: 'x' })).toBe('{"a":"x","b":true,"c":7}')
})

test.each([
  [{ amount: 1.5 }, 'data.amount: 1.5 is not a safe integer; send fractions and larger numbers as strings'],
  [
    { id: 2 ** 53 },
    'data.id: 9007199254740992 is not a safe integer; send fractions and larger numbers as strings',
  ],
  [{ id: null }, 'data.id: expected a string, an integer or a boolean, got null'],
  [{ lines: [1] }, 'data.lines: expected a string, an integer or a boolean, got a list'],
  [{ order: { id: 1 } }, 'data.order: expected a string, an integer or a boolean, got an object'],
  [{ id: undefined }, 'data.id: expected a string, an integer or a boolean, got undefined'],
  [['a'], 'data: expected an object of identifiers, got a list'],
  [null, 'data: expected an object of identifiers, got null'],
  ['x', 'data: expected an object of identifiers, got string'],
])('%j is refused with its path', (data, message) => {
  expect(() => identifiersText(data as unknown as Identifiers)).toThrow(new InvalidAction(...split(message)))
})

test('data above the limit is refused, at the limit it is taken', () => {
  const fits = { id: 'x'.repeat(16 * 1024 - '{"id":""}'.length) }
  expect(identifiersText(fits)).toHaveLength(16 * 1024)
  expect(() => identifiersText({ id: `${fits.id}x` })).toThrow(
    'data: 16385 bytes are more than 16384; record the identifiers that the undo needs, not what they identify',
  )
})

function split(message: string): [string, string] {
  const colon = message.indexOf(': ')
  return [message.slice(0, colon), message.slice(colon + 2)]
}
