import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newRollbackId } from './ids.js'

const zeros = new Uint8Array(8)

test('is short and has only characters that are read aloud without mistakes', () => {
  expect(newRollbackId(1_795_229_598_917, new Uint8Array([0, 1, 9, 10, 31, 32, 255, 18]))).toBe(
    'rb-1m7y0bh65019az0zj',
  )
})

test('sorts by time', () => {
  const moment = fc.integer({ min: 0, max: 4_102_444_800_000 })
  fc.assert(
    fc.property(moment, moment, (a, b) => {
      const [first, second] = [newRollbackId(a, zeros), newRollbackId(b, zeros)]
      return Math.sign(a - b) === (first < second ? -1 : first > second ? 1 : 0)
    }),
  )
})
