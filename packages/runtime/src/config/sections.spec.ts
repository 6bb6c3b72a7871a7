import { expect, it } from 'vitest'
import { registryOptions } from './sections.js'

const url = 'http://registry:8081'

it('user and password of the configuration reach the registry', () => {
  expect(registryOptions({ url })).toEqual({ url })
  expect(registryOptions({ url, username: 'u', password: 'p' })).toEqual({
    url,
    auth: { username: 'u', password: 'p' },
  })
})

it.each([
  [{ username: 'u' }, 'registry.password is not set'],
  [{ password: 'p' }, 'registry.username is not set'],
])('one of the two alone is a mistake', (half, why) => {
  expect(() => registryOptions({ url, ...half })).toThrow(why)
})
