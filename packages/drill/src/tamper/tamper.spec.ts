import { expect, test } from 'vitest'
import { tamperMany } from './run.js'
import { TAMPERINGS } from './tamperings.js'

test('every tampering with an export is found, at the first bad record', async () => {
  const rounds = 5
  const count = rounds * Object.keys(TAMPERINGS).length
  const attempts = await tamperMany(1, count)
  expect(count).toBeGreaterThanOrEqual(100)
  expect(attempts.filter(({ found }) => !found)).toEqual([])
}, 60_000)
