import type { FieldDifference } from '@unwind/contracts'
import type { Scope } from '../http/template.js'
import { difference, type FlagState, pick, type Same } from './state.js'
import type { FlagsAction } from './target.js'

/** What one action recorded of one flag. */
export interface Recorded {
  readonly flag: string
  readonly action: FlagsAction
  readonly scope: Scope
  readonly previous: FlagState
  readonly left: FlagState
}

export interface Netted {
  readonly fields: readonly string[]
  readonly previous: FlagState
  readonly left: FlagState
  readonly gaps: readonly FieldDifference[]
}

/**
 * Several actions on one flag as one: from what the latest left to what the earliest found. Where one action did not begin
 * with what the one before it had left, somebody else wrote in between; that must be seen before it is overwritten (I6).
 * @param recorded latest first.
 * @param staged fields that count even where nobody recorded them, because a stage changes them.
 */
export function nettedOf(
  flag: string,
  recorded: readonly Recorded[],
  staged: readonly string[],
  same: Same,
): Netted {
  const touched = recorded.map(each => new Set([...Object.keys(each.previous), ...Object.keys(each.left)]))
  const fields = [...new Set([...touched.flatMap(names => [...names]), ...staged])].sort()
  const previous: Record<string, FlagState[string]> = {}
  const left: Record<string, FlagState[string]> = {}
  const gaps: FieldDifference[] = []
  for (const field of fields) {
    const chain = recorded.filter((_, i) => touched[i]!.has(field))
    left[field] = chain[0]?.left[field] ?? null
    previous[field] = chain.at(-1)?.previous[field] ?? null
    for (const [i, older] of chain.entries()) {
      const newer = i === 0 ? undefined : chain[i - 1]
      if (!newer || same(field, newer.previous[field], older.left[field])) continue
      gaps.push(
        difference(flag, field, {
          before: older.previous[field],
          after: older.left[field],
          current: newer.previous[field],
        }),
      )
    }
  }
  return { fields, previous: pick(previous, fields), left: pick(left, fields), gaps }
}
