import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { type ConfigKey, keysOf, requiredSections } from './keys.js'
import { problemsOf, valueAt } from './problems.js'
import { readYaml, type YamlSource } from './yaml-source.js'

export interface ConfigSources {
  /** Path of a YAML file. Absent: none. A file that is named must exist. */
  readonly file?: string | undefined
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What the command line said, shaped like the configuration; undefined values say nothing. */
  readonly options?: object
}

/** Every problem of a configuration, each with its place and key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly problems: readonly string[]) {
    super(
      problems.length === 1 ? `Configuration: ${problems[0]}` : `Configuration:\n- ${problems.join('\n- ')}`,
    )
  }
}

/** Where the value of a key came from, as people look for it. */
export type Origin =
  | { readonly kind: 'option' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file' }

/**
 * Puts the configuration together: option, else environment, else file, else the schema's default. Values of a key come
 * from one source whole; lists are not merged.
 * @throws ConfigError with all problems, each naming the key and the option, variable, or file and line that it is from.
 */
export function loadConfig<Schema extends z.ZodType>(
  schema: Schema,
  sources: ConfigSources = {},
): z.output<Schema> {
  const env = sources.env ?? process.env
  const problems: string[] = []
  const origins = new Map<string, Origin>()
  const file = sources.file === undefined ? null : readFile(sources.file, problems)
  const raw = structuredClone(file?.value ?? {})
  const keys = keysOf(schema)
  for (const key of keys) {
    const found = fromEnvironment(key, env, problems)
    if (found === null) continue
    put(raw, key.path, found.value)
    origins.set(key.path.join('.'), { kind: 'variable', name: found.name })
  }
  overlay(raw, sources.options ?? {}, [], origins)
  if (problems.length > 0) throw new ConfigError(problems)
  for (const path of requiredSections(schema)) if (valueAt(raw, path) === undefined) put(raw, path, {})
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  throw new ConfigError(problemsOf(result.error, { keys, origins, file, raw }))
}

function readFile(path: string, problems: string[]): YamlSource | null {
  const source = readYaml(path)
  if ('problems' in source) {
    problems.push(...source.problems)
    return null
  }
  return source
}

/** A variable, or the file that `<variable>_FILE` names: secrets come as files, so that no process list shows them. */
function fromEnvironment(
  key: ConfigKey,
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
) {
  for (const name of key.variables) {
    const direct = env[name]
    const path = env[`${name}_FILE`]
    if (direct !== undefined && path !== undefined) {
      problems.push(`${key.path.join('.')}: both ${name} and ${name}_FILE are set; unset one of them.`)
      return null
    }
    if (direct !== undefined) return { name, value: convert(direct, key) }
    if (path !== undefined) {
      try {
        return { name: `${name}_FILE`, value: convert(readFileSync(path, 'utf8').trimEnd(), key) }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        problems.push(`${key.path.join('.')}: the file that ${name}_FILE names cannot be read: ${reason}`)
        return null
      }
    }
  }
  return null
}

/** Text that does not convert stays text: the schema then says what it should have been. */
function convert(text: string, { kind }: ConfigKey): unknown {
  switch (kind) {
    case 'string':
      return text
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
    case 'boolean':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text
    case 'list':
      return text
        .split(',')
        .map(part => part.trim())
        .filter(part => part !== '')
    case 'json':
      try {
        return JSON.parse(text)
      } catch {
        return text
      }
    default:
      return kind satisfies never
  }
}

type Tree = Record<string, unknown>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree
  for (const name of path.slice(0, -1)) {
    const known = at[name]
    const next: Tree = isTree(known) ? known : {}
    at[name] = next
    at = next
  }
  at[path[path.length - 1]!] = value
}

function overlay(raw: Tree, options: object, path: readonly string[], origins: Map<string, Origin>): void {
  for (const [name, value] of Object.entries(options)) {
    const here = [...path, name]
    if (value === undefined) continue
    if (isTree(value)) overlay(raw, value, here, origins)
    else {
      put(raw, here, value)
      origins.set(here.join('.'), { kind: 'option' })
    }
  }
}
