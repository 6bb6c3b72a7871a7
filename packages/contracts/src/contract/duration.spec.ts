import { expect, test } from 'vitest'
import { duration } from './duration.js'

test.each([
  ['0ms', 0],
  ['200ms', 200],
  ['5s', 5_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
])('reads %s as milliseconds', (text, ms) => {
  expect(duration.parse(text)).toBe(ms)
})

const EXPECTED = 'expected a duration such as "200ms", "5s" or "10m"'

test.each([['5'], [5], ['5 s'], ['-5s'], ['1.5s'], ['5S'], [''], ['999999999d']])(
  'refuses %j, which has no exact length in milliseconds',
  value => {
    const messages = duration.safeParse(value).error?.issues.map(issue => issue.message)
    expect(messages).toEqual([`${EXPECTED}, got ${JSON.stringify(value)}`])
  },
)

test.each([[true], [null], [[]]])('refuses %j, which is no text', value => {
  expect(duration.safeParse(value).error?.issues.map(issue => issue.message)).toEqual([EXPECTED])
})
