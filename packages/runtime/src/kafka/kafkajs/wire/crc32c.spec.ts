import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from './crc32c.js'

test.each([
  ['123456789', 0xe3069283],
  ['', 0],
  ['a', 0xc1d04330],
])('the checksum of "%s" is the published one', (text, expected) => {
  expect(crc32c(Buffer.from(text))).toBe(expected)
})

test('eight bytes a step give what one byte a step gives, at any offset and length', () => {
  const slow = (bytes: Uint8Array) => {
    let crc = 0xffffffff
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    }
    return (crc ^ 0xffffffff) >>> 0
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), fc.nat(64), (bytes, a, b) => {
      const start = Math.min(a, b, bytes.length)
      const end = Math.min(Math.max(a, b), bytes.length)
      expect(crc32c(bytes, start, end)).toBe(slow(bytes.subarray(start, end)))
    }),
  )
})
