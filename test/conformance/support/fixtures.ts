import { readdirSync } from 'node:fs'
import type { AdapterFixture } from '@unwind/sidecar/conformance'

const FOLDER = new URL('..', import.meta.url)

export interface FixtureFile {
  /** File name without its ending: the adapter's kind. */
  readonly kind: string
  readonly fixture: AdapterFixture | { readonly failure: unknown }
}

/** Kinds that have a file. Every file beside the specs is one adapter's fixture: to add an adapter to the suite is to add its file. */
export function fixtureKinds(): readonly string[] {
  return readdirSync(FOLDER)
    .filter(file => /^[a-z][a-z0-9-]*\.ts$/.test(file))
    .map(file => file.slice(0, -'.ts'.length))
    .sort()
}

/**
 * The fixtures that this run is about. `CONFORMANCE_ADAPTERS` names some, separated by commas; `CONFORMANCE=full` takes also those
 * that start a heavy server of their own. A file that cannot be loaded is a failure to show, not a reason to run nothing.
 */
export async function chosenFixtures(env = process.env): Promise<readonly FixtureFile[]> {
  const named = (env.CONFORMANCE_ADAPTERS ?? '').split(',').filter(name => name !== '')
  const kinds = fixtureKinds()
  const unknown = named.filter(name => !kinds.includes(name))
  if (unknown.length > 0)
    throw new Error(
      `CONFORMANCE_ADAPTERS: no fixture for ${unknown.join(', ')}; there are ${kinds.join(', ')}`,
    )
  const files = await Promise.all(kinds.filter(kind => named.length === 0 || named.includes(kind)).map(load))
  return files.filter(
    ({ fixture }) => env.CONFORMANCE === 'full' || 'failure' in fixture || fixture.needs !== 'server',
  )
}

async function load(kind: string): Promise<FixtureFile> {
  try {
    const module = (await import(new URL(`${kind}.ts`, FOLDER).href)) as { default?: AdapterFixture }
    if (module.default?.kind === kind) return { kind, fixture: module.default }
    throw new Error(`test/conformance/${kind}.ts: expected "export default" with a fixture of kind "${kind}"`)
  } catch (failure) {
    return { kind, fixture: { failure } }
  }
}
