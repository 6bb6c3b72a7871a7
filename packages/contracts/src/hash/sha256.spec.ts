import { expect, it } from 'vitest'
import { sha256Hex as nodes } from './sha256-node.js'
import { sha256Hex as portable } from './sha256-portable.js'

it('gives the same in Node and elsewhere', () => {
  expect(nodes('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  for (const text of ['', 'a', 'ß€😀', '\ud800 alone', 'x'.repeat(10_000)])
    expect(nodes(text)).toBe(portable(text))
})
