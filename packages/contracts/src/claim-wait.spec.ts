import fc from 'fast-check'
import { expect, test } from 'vitest'
import { claimWait, eventIds } from './ids.js'

test('a wait is read back from its ID, whatever the IDs look like', () => {
  const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(id, id, fc.integer({ min: 1, max: 999_999_999 }), (rollbackId, holder, turn) => {
      expect(claimWait(eventIds.waitsForClaim(rollbackId, holder, turn), rollbackId)).toEqual({
        holder,
        turn,
      })
    }),
  )
})

test('a note that speaks to people is none', () => {
  expect(claimWait('rb-1/note/7', 'rb-1')).toBeNull()
  expect(claimWait('rb-2/waits-for-claim/rb-0', 'rb-1')).toBeNull()
})
