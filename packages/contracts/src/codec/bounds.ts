import avro from 'avsc'
import { innerTypes } from './avro-type.js'

/** Honest values take less than three steps a byte. */
const STEPS_PER_BYTE = 8
const STEPS = 10_000

/** Walks one value in `bytes`; throws when it claims more than there is. */
export type BoundsCheck = (bytes: Uint8Array, from: number) => void

interface Cursor {
  readonly bytes: Uint8Array
  position: number
  /** What may still be visited: a value of few bytes must not take many steps. */
  steps: number
}
type Walk = (cursor: Cursor) => void

/**
 * Avro's arrays and maps say their length before their items, and avsc believes it: six bytes can ask for gigabytes.
 * The check refuses, before anything is allocated, a value that claims more items than bytes are left.
 * @returns null when the type holds nothing of variable count, so that most events pay nothing.
 */
export function boundsCheck(type: avro.Type): BoundsCheck | null {
  if (!holdsCounted(type, new Set())) return null
  const walk = walkOf(type, new Map())
  return (bytes, from) => walk({ bytes, position: from, steps: STEPS + STEPS_PER_BYTE * bytes.length })
}

function holdsCounted(type: avro.Type, seen: Set<avro.Type>): boolean {
  if (seen.has(type)) return false
  seen.add(type)
  if (type instanceof avro.types.ArrayType || type instanceof avro.types.MapType) return true
  return innerTypes(type).some(inner => holdsCounted(inner, seen))
}

function walkOf(type: avro.Type, known: Map<avro.Type, Walk>): Walk {
  const existing = known.get(type)
  if (existing) return existing
  // Registered before it is built, because a record may hold itself.
  let walk: Walk = () => {}
  known.set(type, cursor => walk(cursor))
  walk = build(type, known)
  known.set(type, walk)
  return walk
}

function build(type: avro.Type, known: Map<avro.Type, Walk>): Walk {
  if (type instanceof avro.types.RecordType) {
    const fields = type.fields.map(field => walkOf(field.type, known))
    return cursor => {
      spend(cursor, fields.length)
      for (const field of fields) field(cursor)
    }
  }
  if (type instanceof avro.types.ArrayType) return counted(walkOf(type.itemsType, known))
  if (type instanceof avro.types.MapType) {
    const value = walkOf(type.valuesType, known)
    return counted(cursor => {
      skipSized(cursor)
      value(cursor)
    })
  }
  if (type instanceof avro.types.UnwrappedUnionType) {
    const branches = type.types.map(branch => walkOf(branch, known))
    return cursor => {
      const index = readLong(cursor)
      const branch = branches[index]
      if (!branch) throw new RangeError(`union branch ${index} of ${branches.length}`)
      branch(cursor)
    }
  }
  if (type instanceof avro.types.FixedType) return fixed(type.size)
  return primitive(type.typeName)
}

function primitive(name: string): Walk {
  switch (name) {
    case 'null':
      return () => {}
    case 'boolean':
      return fixed(1)
    case 'float':
      return fixed(4)
    case 'double':
      return fixed(8)
    case 'string':
    case 'bytes':
      return skipSized
    default:
      return cursor => void readLong(cursor)
  }
}

const fixed =
  (size: number): Walk =>
  cursor =>
    advance(cursor, size)

function counted(item: Walk): Walk {
  return cursor => {
    for (let count = readLong(cursor); count !== 0; count = readLong(cursor)) {
      if (count < 0) {
        count = -count
        readLong(cursor)
      }
      const left = cursor.bytes.length - cursor.position
      if (count > left) throw new RangeError(`an array claims ${count} items, ${left} bytes are left`)
      spend(cursor, count)
      for (let i = 0; i < count; i++) item(cursor)
    }
  }
}

function spend(cursor: Cursor, steps: number): void {
  cursor.steps -= steps
  if (cursor.steps < 0)
    throw new RangeError(`it claims far more items than its ${cursor.bytes.length} bytes can mean`)
}

function skipSized(cursor: Cursor): void {
  advance(cursor, readLong(cursor))
}

function advance(cursor: Cursor, size: number): void {
  const end = cursor.position + size
  if (size < 0 || end > cursor.bytes.length)
    throw new RangeError(
      `a field of ${size} bytes does not fit into the ${cursor.bytes.length - cursor.position} that are left`,
    )
  cursor.position = end
}

/** Zigzag varint, at most ten bytes. */
function readLong(cursor: Cursor): number {
  const { bytes } = cursor
  let value = 0
  let factor = 1
  for (let i = 0; i < 10; i++) {
    const byte = bytes[cursor.position++]
    if (byte === undefined) throw new RangeError('it ends in the middle of a number')
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value % 2 ? -(value + 1) / 2 : value / 2
    factor *= 128
  }
  throw new RangeError('a number is longer than ten bytes')
}
