import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CLIENT_FAILPOINTS, COORDINATOR_FAILPOINTS, SIDECAR_FAILPOINTS } from './names.js'

const packages = fileURLToPath(new URL('../../../../packages', import.meta.url))
const LISTED = new Set<string>([...SIDECAR_FAILPOINTS, ...COORDINATOR_FAILPOINTS, ...CLIENT_FAILPOINTS])
/** Names that are put together from an event's word: see around-sender.ts, whose test holds them. */
const COMPOSED = /^ledger\./

function sources(): string[] {
  return readdirSync(packages)
    .filter(name => name !== 'drill')
    .map(name => join(packages, name, 'src'))
    .flatMap(dir => readdirSync(dir, { recursive: true, encoding: 'utf8' }).map(file => join(dir, file)))
    .filter(
      file => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.endsWith('failpoint/names.ts'),
    )
    .map(file => readFileSync(file, 'utf8'))
    .filter(text => text.includes('failpoint'))
}

test('the list holds every failpoint in the code, and none that is not there', () => {
  const name = /'((?:[a-z]+)(?:\.[a-z-]+)+)'/g
  const calls = /(?:failpoint|between)\(\s*(?:failpoint,\s*)?[^)]*\)/g
  const found = new Set<string>()
  for (const text of sources())
    for (const [call] of text.matchAll(calls)) for (const [, one] of call.matchAll(name)) found.add(one!)
  const listed = [...LISTED].filter(one => !COMPOSED.test(one))
  expect([...found].filter(one => !LISTED.has(one))).toEqual([])
  expect(listed.filter(one => !found.has(one))).toEqual([])
})

test('there are more than forty, over three kinds of process', () => {
  expect(LISTED.size).toBeGreaterThan(40)
  expect(new Set(SIDECAR_FAILPOINTS).size).toBe(SIDECAR_FAILPOINTS.length)
  expect(new Set(COORDINATOR_FAILPOINTS).size).toBe(COORDINATOR_FAILPOINTS.length)
})
