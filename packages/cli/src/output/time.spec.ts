import { expect, test } from 'vitest'
import { formatDay, formatDuration, formatTime, parseSince } from './time.js'

test.each([
  [0, '0 ms'],
  [12.4, '12 ms'],
  [999, '999 ms'],
  [1_400, '1.4 s'],
  [59_949, '59.9 s'],
  [60_000, '1 m 00 s'],
  [125_000, '2 m 05 s'],
  [11_400_000, '3 h 10 m'],
])('%d ms reads as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('moments are shown in UTC, to the millisecond', () => {
  const at = Date.UTC(2026, 10, 21, 2, 7, 33, 123)
  expect([formatDay(at), formatTime(at)]).toEqual(['2026-11-21', '02:07:33.123'])
})

test.each([
  ['30s', 30_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
])('%s ago is counted back from now', (text, ms) => {
  expect(parseSince(text, 100_000_000)).toBe(100_000_000 - ms)
})

test('a date and time is taken as it is', () => {
  expect(parseSince('2026-11-21T02:00:00Z', 0)).toBe(Date.UTC(2026, 10, 21, 2))
})

test.each(['', '10', 'm', '1w', 'yesterday', '2026', '-5m', '2026-13-45'])('%j is no moment', text => {
  expect(parseSince(text, 0)).toBeNull()
})
