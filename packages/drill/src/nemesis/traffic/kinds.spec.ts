import { expect, it } from 'vitest'
import { kindOf, MIX } from './kinds.js'

it('kinds come in the shares of the mix', () => {
  const draws = Array.from({ length: 1_000 }, (_, i) => kindOf(i / 1_000))
  for (const [kind, share] of Object.entries(MIX))
    expect(draws.filter(one => one === kind)).toHaveLength(share * 10)
})

it('a mix of one kind gives nothing else', () => {
  expect([0, 0.5, 0.999].map(draw => kindOf(draw, { plain: 1 }))).toEqual(['plain', 'plain', 'plain'])
})
