import avro from 'avsc'
import { innerTypes } from './avro-type.js'

/** More than any event has: our largest schema weighs below 200. */
const MAX_WEIGHT = 5_000
/** Characters of one writer's schema. */
export const MAX_SCHEMA_LENGTH = 256 * 1024

/**
 * A record of two records of two records … of nothing takes no bytes and, forty levels deep, years to read. What a value
 * costs beyond its bytes is known from the schema alone.
 * @throws RangeError when reading one value would take more steps than any event of ours.
 */
export function assertLight(type: avro.Type): void {
  const weight = weightOf(type, new Map())
  if (weight > MAX_WEIGHT)
    throw new RangeError(`its schema unfolds to more than ${MAX_WEIGHT} fields; no event has so many`)
}

/** Steps of reading one value, arrays and maps taken as empty, a union as its heaviest branch. */
function weightOf(type: avro.Type, known: Map<avro.Type, number>): number {
  const before = known.get(type)
  if (before !== undefined) return before
  // A type that holds itself: each further level takes bytes of its own, or ends with the stack.
  known.set(type, 1)
  const inner = innerTypes(type).map(one => weightOf(one, known))
  const isRecord = type instanceof avro.types.RecordType
  const weight = 1 + (isRecord ? inner.reduce((sum, one) => sum + one, 0) : Math.max(0, ...inner))
  known.set(type, weight)
  return weight
}
