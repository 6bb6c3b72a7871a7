import { expect, it } from 'vitest'
import { retryAfterMs } from './retry-after.js'

const now = Date.parse('2026-01-01T00:00:00Z')

it.each([
  ['seconds', '3', 3_000],
  ['a date', 'Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['a date that is over', 'Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['more than a day, cut to a day', '999999', 86_400_000],
  ['nonsense', 'soon', undefined],
  ['nothing', undefined, undefined],
])('%s', (_, header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected)
})
