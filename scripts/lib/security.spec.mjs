import { expect, it } from 'vitest'
import { options } from './security.mjs'

it('takes a number of inputs and a seed, both or none', () => {
  expect(options([])).toEqual({ inputs: 100_000, seed: null })
  expect(options(['--inputs', '500', '--seed', '0'])).toEqual({ inputs: 500, seed: 0 })
})

it.each([
  ['--inputs'],
  ['--inputs', '0'],
  ['--inputs', '1e3'],
  ['--seed', '-1'],
  ['--seed', '4294967296'],
  ['--sed', '1'],
])('refuses %s %s', (...args) => {
  expect(options(args)).toBeNull()
})
