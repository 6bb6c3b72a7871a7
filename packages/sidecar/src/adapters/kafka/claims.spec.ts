import { expect, test } from 'vitest'
import { holderOf } from './claims.js'

const LEASE_MS = 10
const claims = (text: string) =>
  text.split(' ').map(each => ({ holder: each[0]!, at: Number(each.slice(1)) }))

test.each([
  ['a0', 'a'],
  ['a0 b1', 'a'],
  ['a0 b9', 'a'],
  ['a0 b10', 'b'],
  // A holder that claims again has its lease from then on.
  ['a0 a8 b12', 'a'],
  ['a0 a8 b18', 'b'],
  // A claim that came to nothing gives no lease.
  ['a0 b9 c12', 'c'],
  ['a0 b10 a11', 'b'],
  ['a0 b10 a20', 'a'],
])('%s: %s may send', (text, holder) => {
  expect(holderOf(claims(text), LEASE_MS)).toBe(holder)
})

test('nobody claimed: nobody may send', () => {
  expect(holderOf([], LEASE_MS)).toBeNull()
})

test('everybody who reads further agrees with who read less, as long as the lease holds', () => {
  const all = claims('a0 b3 a5 c9 b14')
  for (let read = 1; read <= all.length; read++) expect(holderOf(all.slice(0, read), LEASE_MS)).toBe('a')
})
