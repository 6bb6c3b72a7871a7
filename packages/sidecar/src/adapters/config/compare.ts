import type { ConflictPolicy, FieldDifference } from '@unwind/contracts'
import type { Values } from './format/index.js'

/** Values by key; null, and in a whole document a missing key: it was not there. */
export type Image = ReadonlyMap<string, string | null>

/** One document before and after the action. */
export interface Images {
  readonly before: Image
  readonly after: Image
  /** Keys that somebody else changed between two actions of this step; the recorded images say so. */
  readonly between: ReadonlySet<string>
  /** `before` is a whole document; else only the keys that the images name are the action's. */
  readonly whole: boolean
}

export interface Comparison {
  /** Keys that the action changed. */
  readonly ours: readonly string[]
  /** Ours, and as before the action. */
  readonly restored: readonly string[]
  /** Ours, and as the action left them. */
  readonly left: readonly string[]
  /** Differ from what was before and after: newer than the action (I6). Others' keys among them. */
  readonly newer: readonly string[]
}

/** Field by field: equal to before, equal to after, or newer than both (design §5). */
export function compare({ before, after, between, whole }: Images, current: Values): Comparison {
  const was = (key: string) => before.get(key) ?? null
  const became = (key: string) => after.get(key) ?? null
  const is = (key: string) => current.get(key) ?? null
  const keys = [
    ...new Set([...before.keys(), ...after.keys(), ...between, ...(whole ? current.keys() : [])]),
  ].sort()
  const ours = keys.filter(key => was(key) !== became(key) || between.has(key))
  const restored = ours.filter(key => is(key) === was(key))
  const left = ours.filter(key => is(key) !== was(key) && is(key) === became(key) && !between.has(key))
  const settled = new Set([...restored, ...left])
  const newer = keys.filter(key => !settled.has(key) && is(key) !== was(key))
  return { ours, restored, left, newer }
}

export type Intention =
  | { readonly kind: 'nothing' | 'keep' | 'conflict' }
  /** The document as it was before, byte for byte. */
  | { readonly kind: 'whole' }
  /** Only these keys, to what they were before. */
  | { readonly kind: 'keys'; readonly keys: readonly string[] }

/**
 * What is to be done about one document.
 * @param text whether its text is exactly that of before or of after; "other": it is not, or no text was recorded.
 */
export function intend(
  { whole }: Images,
  { ours, restored, left, newer }: Comparison,
  text: 'before' | 'after' | 'other',
  policy: ConflictPolicy,
): Intention {
  if (text === 'before') return { kind: 'nothing' }
  // Byte for byte only over what the action left: comments that somebody else wrote since are theirs.
  if (text === 'after') return { kind: 'whole' }
  if (restored.length === ours.length && newer.every(key => !ours.includes(key))) return { kind: 'nothing' }
  if (newer.length === 0) return { kind: 'keys', keys: left }
  switch (policy) {
    case 'park':
      return { kind: 'conflict' }
    case 'keep':
      return { kind: 'keep' }
    case 'force':
      return whole ? { kind: 'whole' } : { kind: 'keys', keys: ours.filter(key => !restored.includes(key)) }
    case 'merge':
      return left.length === 0 ? { kind: 'keep' } : { kind: 'keys', keys: left }
  }
}

/** Items that are not restored because newer data was kept. */
export function keptOf({ ours, restored, left, newer }: Comparison, policy: ConflictPolicy): number {
  const open = ours.length - restored.length
  if (newer.length === 0) return 0
  if (policy === 'keep') return open
  // What is still as the action left it was not kept: it was not undone.
  return policy === 'merge' ? open - left.length : 0
}

/** One document that several actions of a step changed, the latest first: as if one action had. */
export function combined(images: readonly Images[]): Images {
  return images.reduce((later, earlier) => {
    const named = ({ before, after, whole }: Images, key: string) =>
      whole || before.has(key) || after.has(key)
    const gap = [...new Set([...later.before.keys(), ...earlier.after.keys()])].filter(
      key =>
        named(later, key) &&
        named(earlier, key) &&
        (later.before.get(key) ?? null) !== (earlier.after.get(key) ?? null),
    )
    return {
      before: earlier.whole ? earlier.before : new Map([...later.before, ...earlier.before]),
      after: later.whole ? later.after : new Map([...earlier.after, ...later.after]),
      between: new Set([...later.between, ...earlier.between, ...gap]),
      whole: earlier.whole,
    }
  })
}

/** Values that must not stand in the ledger, which keeps them for ever. */
const HIDDEN = '"[not shown]"'

export function differences(
  item: string,
  keys: readonly string[],
  { before, after }: Images,
  current: Values,
  isHidden: (key: string) => boolean,
): FieldDifference[] {
  return keys.map(field => {
    const shown = (values: Image) => {
      const value = values.get(field) ?? null
      return value !== null && isHidden(field) ? HIDDEN : value
    }
    return { item, field, before: shown(before), after: shown(after), current: shown(current) }
  })
}
