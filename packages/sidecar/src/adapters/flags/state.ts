import { type FieldDifference, hashText, type Json } from '@unwind/contracts'
import { sameJson } from '../http/pointer.js'

/**
 * A flag's settings by field, in the provider's own words ("enabled", "fallthrough", "targeting"). A field that is missing
 * and one that is null are the same: not set.
 */
export type FlagState = Readonly<Record<string, Json>>

/** Whether two values of a field mean the same; each provider knows what it adds by itself. */
export type Same = (field: string, a: Json | undefined, b: Json | undefined) => boolean

export function sameBy(canonical: (field: string, value: Json) => Json): Same {
  return (field, a, b) => sameJson(canonical(field, a ?? null), canonical(field, b ?? null))
}

/** Whether two states agree in these fields; others do not count. */
export function agree(same: Same, a: FlagState, b: FlagState, fields: readonly string[]): boolean {
  return fields.every(field => same(field, a[field], b[field]))
}

/** These fields only; what is not set is null. */
export function pick(state: FlagState, fields: readonly string[]): FlagState {
  return Object.fromEntries(fields.map(field => [field, state[field] ?? null]))
}

/** One difference, for people and the ledger. */
export function difference(
  item: string,
  field: string,
  values: {
    readonly before?: Json | undefined
    readonly after?: Json | undefined
    readonly current?: Json | undefined
  },
): FieldDifference {
  const { before, after, current } = values
  return { item, field, before: textOf(before), after: textOf(after), current: textOf(current) }
}

function textOf(value: Json | undefined): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}

/** SHA-256 over values whose keys are sorted. Flags may hold fractions, which have no canonical form in the ledger's own JSON. */
export function digestOf(value: unknown): string {
  return hashText(JSON.stringify(sorted(value)))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]))
}
