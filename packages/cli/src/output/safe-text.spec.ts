import { expect, test } from 'vitest'
import { ellipsis, safeText } from './safe-text.js'

test('terminal escapes and direction overrides are shown, not obeyed', () => {
  expect(safeText('a\u001b[2Jb\u009b1mc\u202ed\u0000')).toBe('a\\u{1b}[2Jb\\u{9b}1mc\\u{202e}d\\u{0}')
})

test('a line stays one line', () => {
  expect(safeText('first \r\n\n  second\tthird\u2028fourth')).toBe('first second third\\u{2028}fourth')
})

test('text of any script is left alone', () => {
  expect(safeText('Größe → 重置 ✓')).toBe('Größe → 重置 ✓')
})

test('a text is shortened only when it is too long', () => {
  expect([ellipsis('orders', 6), ellipsis('orders', 5), ellipsis('orders', 1)]).toEqual([
    'orders',
    'orde…',
    '…',
  ])
})
