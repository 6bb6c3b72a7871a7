import type { z } from 'zod'
import { withoutCredentials } from '../telemetry/fields.js'
import { keysOf } from './keys.js'

const MASK = '***'

/**
 * The configuration as it may be shown: secrets masked, user and password in URLs masked.
 * @returns plain data, to be printed as JSON or YAML.
 */
export function describeConfig(schema: z.ZodType, value: unknown): unknown {
  const secrets = new Set(
    keysOf(schema)
      .filter(key => key.secret)
      .map(key => key.path.join('.')),
  )
  return mask(value, [], secrets)
}

function mask(value: unknown, path: readonly string[], secrets: ReadonlySet<string>): unknown {
  if (secrets.has(path.join('.'))) return value === undefined || value === null ? value : MASK
  if (typeof value === 'string') return withoutCredentials(value)
  if (Array.isArray(value)) return value.map(one => mask(one, [...path, '*'], secrets))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, mask(one, [...path, name], secrets)]),
  )
}
