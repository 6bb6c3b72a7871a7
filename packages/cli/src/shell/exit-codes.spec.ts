import { expect, test } from 'vitest'
import { EXIT_CODES, exitOfRollback } from './exit-codes.js'

test('codes never change their meaning', () => {
  expect(Object.fromEntries(Object.entries(EXIT_CODES).map(([name, { code }]) => [name, code]))).toEqual({
    ok: 0,
    failure: 1,
    usage: 2,
    notRestored: 3,
    waiting: 4,
    unreachable: 5,
    notFound: 6,
    interrupted: 130,
  })
})

test.each([
  ['closed', 'RESTORED_VERIFIED', 'ok'],
  ['closed', 'RESTORED_UNVERIFIED', 'notRestored'],
  ['closed', 'PARTIAL', 'notRestored'],
  ['closed', 'DISCREPANCY_SURFACED', 'notRestored'],
  ['closed', 'ABANDONED', 'notRestored'],
  ['closed', null, 'notRestored'],
  ['denied', null, 'notRestored'],
  ['proposed', null, 'waiting'],
  ['awaiting-approval', null, 'waiting'],
  ['running', null, 'waiting'],
  ['unknown', 'RESTORED_VERIFIED', 'waiting'],
])(
  'a rollback that is %s with %s ends %s: green only when restored and verified',
  (phase, endState, exit) => {
    expect(exitOfRollback({ phase, endState })).toBe(exit)
  },
)
