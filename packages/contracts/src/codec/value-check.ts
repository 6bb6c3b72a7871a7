/// <reference lib="es2024.string" />
import avro from 'avsc'

/** Looks for a value that would not survive the codec. @returns its path and what is wrong, or null. */
export type ValueCheck = (value: unknown) => { readonly path: string; readonly problem: string } | null

/**
 * avsc computes longs with floating-point numbers of twice their size: beyond 2^52 it reads and writes other numbers,
 * some with the other sign, without a word.
 */
const MAX_LONG = 2 ** 52
const LONG_PROBLEM = 'is beyond 2^52, where numbers are no longer exact'
/** Half a surrogate pair would be written as bytes that read back as another text: an ID would silently change. */
const STRING_PROBLEM = 'holds half a surrogate pair and has no UTF-8 form'

type Found = { path: string; problem: string }
type Leaf = (value: unknown) => string | null

const longs: Leaf = value => (typeof value === 'number' && Math.abs(value) > MAX_LONG ? LONG_PROBLEM : null)
const strings: Leaf = value => (typeof value === 'string' && !value.isWellFormed() ? STRING_PROBLEM : null)

/** For values about to be written. */
export function outgoingCheck(type: avro.Type): ValueCheck {
  return (
    compile(
      type,
      new Map([
        ['long', longs],
        ['string', strings],
      ]),
      new Map(),
    ) ?? nothing
  )
}

/** For values just read: their strings are well-formed already. */
export function incomingCheck(type: avro.Type): ValueCheck {
  return compile(type, new Map([['long', longs]]), new Map()) ?? nothing
}

const nothing: ValueCheck = () => null

type Compiled = (value: unknown) => Found | null

function compile(
  type: avro.Type,
  leaves: ReadonlyMap<string, Leaf>,
  known: Map<avro.Type, Compiled | null>,
): Compiled | null {
  const existing = known.get(type)
  if (existing !== undefined) return existing
  // Registered before it is built, because a record may hold itself.
  let built: Compiled | null = null
  known.set(type, value => built?.(value) ?? null)
  built = build(type, leaves, known)
  known.set(type, built)
  return built
}

function build(
  type: avro.Type,
  leaves: ReadonlyMap<string, Leaf>,
  known: Map<avro.Type, Compiled | null>,
): Compiled | null {
  if (type instanceof avro.types.RecordType) {
    const fields = type.fields.flatMap(({ name, type: inner }) => {
      const check = compile(inner, leaves, known)
      return check ? [{ name, check }] : []
    })
    return fields.length === 0 ? null : value => firstOf(fields, value)
  }
  if (type instanceof avro.types.ArrayType) return everyItem(compile(type.itemsType, leaves, known))
  if (type instanceof avro.types.MapType) return everyItem(compile(type.valuesType, leaves, known))
  if (type instanceof avro.types.UnwrappedUnionType) {
    const branches = type.types.flatMap(branch => compile(branch, leaves, known) ?? [])
    return branches.length === 0 ? null : value => firstBranch(branches, value)
  }
  const leaf = leaves.get(type.typeName)
  if (!leaf) return null
  return value => {
    const problem = leaf(value)
    return problem === null ? null : { path: '', problem }
  }
}

function firstOf(fields: readonly { name: string; check: Compiled }[], value: unknown): Found | null {
  if (typeof value !== 'object' || value === null) return null
  for (const { name, check } of fields) {
    const found = check((value as Record<string, unknown>)[name])
    if (found) return below(name, found)
  }
  return null
}

function everyItem(check: Compiled | null): Compiled | null {
  if (!check) return null
  return value => {
    if (typeof value !== 'object' || value === null) return null
    for (const key in value) {
      const found = check((value as Record<string, unknown>)[key])
      if (found) return below(key, found)
    }
    return null
  }
}

/** The leaves look only at values of their own kind, so the branches that a value is not of say nothing. */
function firstBranch(branches: readonly Compiled[], value: unknown): Found | null {
  if (value === null) return null
  for (const branch of branches) {
    const found = branch(value)
    if (found) return found
  }
  return null
}

function below(name: string, found: Found): Found {
  return { path: found.path === '' ? name : `${name}.${found.path}`, problem: found.problem }
}
