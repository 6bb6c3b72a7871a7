import { describe, expect, test } from 'vitest'
import { childTraceparent, formatTraceparent, parseTraceparent } from './trace-context.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const RANDOM = Uint8Array.from({ length: 24 }, (_, i) => i + 1)

test('a traceparent is read and written back', () => {
  const text = `00-${TRACE}-${SPAN}-01`
  expect(parseTraceparent(text)).toEqual({ traceId: TRACE, parentId: SPAN, flags: 1 })
  expect(formatTraceparent(parseTraceparent(text)!)).toBe(text)
})

test('a later version may append fields', () => {
  expect(parseTraceparent(`01-${TRACE}-${SPAN}-00-more`)).toEqual({
    traceId: TRACE,
    parentId: SPAN,
    flags: 0,
  })
})

test.each([
  undefined,
  null,
  '',
  'garbage',
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01-more`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
])('%j is none', text => {
  expect(parseTraceparent(text)).toBeNull()
})

describe('a child', () => {
  test('stays in the trace of its parent, with its sampling', () => {
    expect(childTraceparent(`00-${TRACE}-${SPAN}-00`, RANDOM)).toBe(`00-${TRACE}-0102030405060708-00`)
  })

  test('of nothing valid begins a new sampled trace', () => {
    expect(childTraceparent('garbage', RANDOM)).toBe(
      '00-090a0b0c0d0e0f101112131415161718-0102030405060708-01',
    )
  })

  test('never has an ID of zeros only', () => {
    expect(childTraceparent(null, new Uint8Array(24))).toBe(`00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01`)
  })

  test('needs 24 random bytes', () => {
    expect(() => childTraceparent(null, new Uint8Array(8))).toThrow('expected 24 random bytes, got 8')
  })
})
