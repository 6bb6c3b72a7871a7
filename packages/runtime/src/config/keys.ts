import type { z } from 'zod'

/** What a value of a key is read as when it comes as text. */
export type LeafKind = 'string' | 'number' | 'boolean' | 'list' | 'json'

export interface ConfigKey {
  /** `['kafka', 'brokers']` */
  readonly path: readonly string[]
  readonly kind: LeafKind
  readonly secret: boolean
  /** Environment variables that set it, the first that is set wins. */
  readonly variables: readonly string[]
}

/** Names under which servers are known everywhere; the local stack and hosting platforms set them. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  'kafka.brokers': 'KAFKA_BROKERS',
  'registry.url': 'SCHEMA_REGISTRY_URL',
  'redis.url': 'REDIS_URL',
  'database.url': 'DATABASE_URL',
}

const PREFIX = 'UNWIND_'

/** `kafka.sessionTimeoutMs` → `UNWIND_KAFKA_SESSION_TIMEOUT_MS` */
export function variableOf(path: readonly string[]): string {
  const words = path.map(part => part.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/[^A-Za-z0-9]/g, '_'))
  return PREFIX + words.join('_').toUpperCase()
}

/** All keys of a schema, in its order. Keys below a record or a list have no variable of their own: the whole is JSON. */
export function keysOf(schema: z.ZodType, path: readonly string[] = []): ConfigKey[] {
  const { inner, secret } = unwrap(schema)
  const definition = inner.def as { type: string; shape?: Record<string, z.ZodType> }
  if (definition.type === 'object' && definition.shape !== undefined) {
    return Object.entries(definition.shape).flatMap(([name, child]) => keysOf(child, [...path, name]))
  }
  const known = WELL_KNOWN[path.join('.')]
  const variables = [variableOf(path), ...(known === undefined ? [] : [known])]
  return [{ path, kind: kindOf(inner), secret, variables }]
}

/** Sections that must be there: an absent one is read as an empty one, so that the error names the keys that it lacks. */
export function requiredSections(schema: z.ZodType, path: readonly string[] = []): (readonly string[])[] {
  const definition = schema.def as { type: string; shape?: Record<string, z.ZodType> }
  if (definition.type !== 'object' || definition.shape === undefined) return []
  const below = Object.entries(definition.shape).flatMap(([name, child]) =>
    requiredSections(child, [...path, name]),
  )
  return path.length === 0 ? below : [path, ...below]
}

function kindOf(schema: z.ZodType): LeafKind {
  const definition = schema.def as { type: string; element?: z.ZodType }
  switch (definition.type) {
    case 'number':
    case 'int':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'array':
      return definition.element !== undefined && unwrap(definition.element).inner.def.type === 'string'
        ? 'list'
        : 'json'
    case 'string':
    case 'enum':
    case 'literal':
      return 'string'
    default:
      return 'json'
  }
}

/** Optional, default, nullable and transformed schemas stand around the one that says what the value is. */
function unwrap(schema: z.ZodType): { inner: z.ZodType; secret: boolean } {
  let inner = schema
  let secret = isSecret(inner)
  for (;;) {
    const definition = inner.def as { innerType?: z.ZodType; in?: z.ZodType }
    const next = definition.innerType ?? definition.in
    if (next === undefined) return { inner, secret }
    inner = next
    secret ||= isSecret(inner)
  }
}

function isSecret(schema: z.ZodType): boolean {
  return schema.meta()?.secret === true
}
