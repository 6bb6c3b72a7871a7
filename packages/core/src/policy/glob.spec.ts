import { expect, test } from 'vitest'
import { matchesGlob } from './glob.js'

test.each([
  ['*', '', true],
  ['*', 'user:ana', true],
  ['user:*', 'user:ana', true],
  ['user:*', 'user:', true],
  ['user:*', 'service:user:ana', false],
  ['user:ana', 'user:ana', true],
  ['user:ana', 'user:anabel', false],
  ['*:shop', 'service:shop', true],
  ['a*b', 'ab', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*bc*c', 'abc', false],
  ['a.c', 'abc', false],
  ['', '', true],
  ['', 'a', false],
])('"%s" over "%s": %s', (pattern, name, fits) => {
  expect(matchesGlob(pattern, name)).toBe(fits)
})

test('a pattern of many stars does not take long', () => {
  expect(matchesGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(5_000))).toBe(false)
})
