import { ADAPTERS } from '@unwind/sidecar'
import { describe, expect, it } from 'vitest'
import { chosenFixtures, fixtureKinds } from '../../conformance/support/fixtures.js'

/** Names under which a contract may ask for the adapter of another kind. */
const ALIASES: Readonly<Record<string, string>> = { mariadb: 'mysql' }

describe('the fixtures of the conformance suite', () => {
  it('are as many as the adapters: none goes without the suite', () => {
    const kinds = Object.keys(ADAPTERS).map(kind => ALIASES[kind] ?? kind)
    expect(fixtureKinds()).toEqual([...new Set(kinds)].sort())
  })

  it('can be chosen by name, and a name that nobody has is said', async () => {
    const [http, ...more] = await chosenFixtures({ CONFORMANCE_ADAPTERS: 'http' })
    expect([http?.kind, more]).toEqual(['http', []])
    await expect(chosenFixtures({ CONFORMANCE_ADAPTERS: 'http,fax' })).rejects.toThrow(
      /no fixture for fax; there are .*http/,
    )
  })
})
