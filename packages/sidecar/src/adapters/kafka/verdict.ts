import type { ConflictPolicy, FieldDifference } from '@unwind/contracts'
import { sameJson } from '../http/pointer.js'
import type { Item } from './item.js'
import type { Sighting } from './sighting.js'

/** What stands on a topic that keeps the newest record of a key, and what the action left there. */
interface Standing {
  readonly current: Buffer | null
  /** Undefined: neither the log nor the recorded data tells. */
  readonly after: Buffer | null | undefined
}

/** What a read-back says of one item. */
export type Verdict =
  /** Its record is there, once; or what it would restore stands there anyway. */
  | { readonly kind: 'restored' }
  /** To be sent: events stand side by side, or what the action left is what stands there. */
  | { readonly kind: 'open'; readonly standing: Standing | null }
  /** A record of the key is newer than the action's (I6). */
  | { readonly kind: 'newer'; readonly standing: Standing }
  /** Our record is the newest, with newer fields of somebody else kept in it. */
  | { readonly kind: 'merged'; readonly standing: Standing }
  /** Our record was written, and a newer one after it. It is not written again (I2). */
  | { readonly kind: 'overtaken'; readonly standing: Standing }
  /** The same ID more than once: an event happened twice for whoever does not fold by ID (I2). */
  | { readonly kind: 'doubled'; readonly count: number }
  /** The action's own record should be there, and the log ends before it. */
  | { readonly kind: 'absent' }

/** Pure: the same sighting gives the same verdict, for undo, probe and preview. */
export function judge(item: Item, seen: Sighting): Verdict {
  const { replaced } = item
  const count = seen.count(item.id)
  if (!replaced) {
    if (count > 1) return { kind: 'doubled', count }
    return count === 1 ? { kind: 'restored' } : { kind: 'open', standing: null }
  }
  const newest = seen.newest(item.key)
  if (newest && newest.offset < replaced.offset) return { kind: 'absent' }
  // Nothing of the key at all: its tombstone was cleaned away, which only a newer one can have caused.
  const current = newest?.value ?? null
  const found = seen.at(replaced.partition, replaced.offset)
  const standing = { current, after: found ? found.value : replaced.value }
  const isBefore = sameBytes(current, item.value)
  if (newest?.id === item.id) return isBefore ? { kind: 'restored' } : { kind: 'merged', standing }
  if (newest && item.ours.has(newest.offset)) return { kind: 'open', standing }
  if (isBefore) return { kind: 'restored' }
  if (count > 0) return { kind: 'overtaken', standing }
  // Written anew with the same content: what the action left is still what stands there.
  const isAfter = standing.after !== undefined && sameBytes(current, standing.after)
  return { kind: isAfter ? 'open' : 'newer', standing }
}

/** Whether newer data stays where it is, because the contract or a named actor says so. */
export function isKept(verdict: Verdict, policy: ConflictPolicy): boolean {
  if (verdict.kind === 'merged') return policy === 'merge'
  return policy === 'keep' && (verdict.kind === 'newer' || verdict.kind === 'overtaken')
}

/**
 * Field by field what is not as it should be; where the values have no fields, the record as a whole.
 * @param against what the action left (what stands in the way of an undo), or what it is to be restored to (what a probe misses).
 */
export function differencesOf(
  item: Item,
  verdict: Verdict,
  against: 'left' | 'restored',
): readonly FieldDifference[] {
  const whole = (field: string, before: string | null, after: string | null, current: string | null) => [
    { item: item.name, field, before, after, current },
  ]
  switch (verdict.kind) {
    case 'restored':
      return []
    case 'doubled':
      return whole('(records)', '1', '0', String(verdict.count))
    case 'absent':
      return whole('', textOf(item.value), null, null)
    default: {
      if (verdict.standing === null) return whole('(records)', '1', '0', '0')
      const { current, after } = verdict.standing
      return (
        fieldDifferences(item, verdict.standing, against) ??
        whole('', textOf(item.value), textOf(after ?? null), textOf(current))
      )
    }
  }
}

function fieldDifferences(
  item: Item,
  { current, after }: Standing,
  against: 'left' | 'restored',
): readonly FieldDifference[] | null {
  const [was, left, is] = [objectOf(item.value), objectOf(after ?? null), objectOf(current)]
  const wanted = against === 'left' ? left : was
  if (!wanted || !is) return null
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(is)])].sort()
  return names
    .filter(name => !sameJson(wanted[name], is[name]))
    .map(name => ({
      item: item.name,
      field: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      before: jsonOf(was?.[name]),
      after: jsonOf(left?.[name]),
      current: jsonOf(is[name]),
    }))
}

/**
 * The newest value with those fields set back that are still as the action left them.
 * @returns null when a value is no JSON object, so that there are no fields.
 */
export function merge(item: Item, { current, after }: Standing): Buffer | null {
  const [was, left, is] = [objectOf(item.value), objectOf(after ?? null), objectOf(current)]
  if (!was || !left || !is) return null
  const merged: Record<string, unknown> = { ...is }
  for (const name of new Set([...Object.keys(was), ...Object.keys(left)])) {
    if (sameJson(was[name], left[name]) || !sameJson(is[name], left[name])) continue
    if (Object.hasOwn(was, name)) merged[name] = was[name]
    else delete merged[name]
  }
  return Buffer.from(JSON.stringify(merged), 'utf8')
}

/** Equal bytes, or JSON that says the same: the order of fields is the producer's taste. */
export function sameBytes(one: Buffer | null, other: Buffer | null): boolean {
  if (one === null || other === null) return one === other
  if (one.equals(other)) return true
  const [a, b] = [parse(one), parse(other)]
  return a !== undefined && b !== undefined && sameJson(a, b)
}

function objectOf(bytes: Buffer | null): Readonly<Record<string, unknown>> | null {
  const value = bytes === null ? undefined : parse(bytes)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** A value for people, as JSON text: itself where it is JSON, else as text, else in base64. */
function textOf(bytes: Buffer | null): string | null {
  if (bytes === null) return null
  const value = parse(bytes)
  if (value !== undefined) return JSON.stringify(value)
  const text = bytes.toString('utf8')
  return JSON.stringify(Buffer.from(text, 'utf8').equals(bytes) ? text : `base64:${bytes.toString('base64')}`)
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
