import type { z } from 'zod'
import { type ConfigKey, variableOf } from './keys.js'
import type { Origin } from './load-config.js'
import type { YamlSource } from './yaml-source.js'

interface Context {
  readonly keys: readonly ConfigKey[]
  readonly origins: ReadonlyMap<string, Origin>
  readonly file: YamlSource | null
  readonly raw: unknown
}

/** One line a problem: where the value is from, which key, what is wrong; how to set it, where it is missing. */
export function problemsOf(error: z.ZodError, context: Context): string[] {
  return error.issues.flatMap(issue => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => {
        const path = [...issue.path, key]
        return `${place(path, context)}${path.join('.')}: there is no such key${suggest(path, context)}`
      })
    }
    const name = issue.path.join('.')
    const missing = valueAt(context.raw, issue.path) === undefined
    if (missing) return [`${name} is missing: set it in the file, or set ${waysToSet(issue.path, context)}.`]
    return [`${place(issue.path, context)}${name}: ${issue.message}`]
  })
}

function place(path: readonly PropertyKey[], { origins, file }: Context): string {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'))
    if (origin?.kind === 'option') return 'command line option: '
    if (origin?.kind === 'variable') return `environment variable ${origin.name}: `
  }
  return file === null ? '' : `${file.path}:${file.lineOf(path)}: `
}

function waysToSet(path: readonly PropertyKey[], { keys }: Context): string {
  const name = path.join('.')
  const key = keys.find(one => one.path.join('.') === name)
  return key === undefined ? variableOf(path.map(String)) : [...key.variables].reverse().join(' or ')
}

function suggest(path: readonly PropertyKey[], { keys }: Context): string {
  const parent = path.slice(0, -1).join('.')
  const siblings = keys
    .filter(key => parent === '' || key.path.join('.').startsWith(`${parent}.`))
    .map(key => key.path[path.length - 1])
    .filter(name => name !== undefined)
  const names = [...new Set(siblings)].sort()
  return names.length === 0 ? '.' : `; here are: ${names.join(', ')}.`
}

export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = raw
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<PropertyKey, unknown>)[name]
  }
  return at
}
