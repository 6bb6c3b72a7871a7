import { expect, test } from 'vitest'
import { murmur2, partitionOf } from './murmur2.js'

// The values of Kafka's own UtilsTest.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('the hash of "%s" is what Java computes', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

test('a partition is never negative and depends on the bytes of the key', () => {
  expect(partitionOf('foobar', 12)).toBe((-790332482 & 0x7fffffff) % 12)
  expect(partitionOf('schlüssel', 1)).toBe(0)
})
