import { expect, test } from 'vitest'
import { hashTag, redisLayout } from './layout.js'

test.each([
  ['cart:{7}:lines', '7'],
  ['cart:7', 'cart:7'],
  ['{}cart', '{}cart'],
  ['a{b}{c}', 'b'],
  ['a{b', 'a{b'],
  ['}a{b}', 'b'],
])('the hash tag of %s is %s', (key, tag) => {
  expect(hashTag(key)).toBe(tag)
})

test('all keys of one correlation ID share its tag', () => {
  const layout = redisLayout()
  for (const key of [layout.undoLog('o-1'), layout.fence('o-1'), layout.effect('o-1', 'rb-1/carts')])
    expect(hashTag(key)).toBe('o-1')
})
