import type { FieldDifference } from '@unwind/contracts'
import type { ExpectedValue } from '../http/item.js'
import { sameJson, valueAt } from '../http/pointer.js'

/** Whether every value stands where it is expected. */
export function agrees(document: unknown, expected: readonly ExpectedValue[]): boolean {
  return resolved(expected, document).every(({ pointer, value }) =>
    sameJson(valueAt(document, pointer), value),
  )
}

/**
 * Field by field what is not as it should be. Objects are compared by their keys, so that a difference names the table or
 * account that was written to, not the whole document.
 */
export function differencesOf(
  item: string,
  document: unknown,
  {
    restored,
    left,
    against,
  }: {
    readonly restored: readonly ExpectedValue[]
    readonly left: readonly ExpectedValue[]
    readonly against: 'restored' | 'left'
  },
): FieldDifference[] {
  const before = flattened(resolved(restored, document))
  const after = flattened(resolved(left, document))
  const expected = resolved(against === 'restored' ? restored : left, document)
  const fields = new Map<string, unknown>()
  for (const { at, pointer, value } of expected) {
    for (const [field, leaf] of leavesOf(at, value)) fields.set(field, leaf)
    for (const [field] of leavesOf(at, valueAt(document, pointer)))
      if (!fields.has(field)) fields.set(field, undefined)
  }
  const current = new Map(expected.flatMap(({ at, pointer }) => leavesOf(at, valueAt(document, pointer))))
  return [...fields]
    .filter(([field, value]) => !sameJson(current.get(field), value))
    .map(([field]) => ({
      item,
      field,
      before: textOf(before.get(field)),
      after: textOf(after.get(field)),
      current: textOf(current.get(field)),
    }))
}

/**
 * Recorded data is flat, so a tree of values is recorded as JSON text. Where the document has a tree and a text is
 * expected, which it could never equal, the text's value is meant.
 */
function resolved(expected: readonly ExpectedValue[], document: unknown): readonly ExpectedValue[] {
  return expected.map(each => {
    const found = valueAt(document, each.pointer)
    if (typeof each.value !== 'string' || typeof found !== 'object' || found === null) return each
    try {
      return { ...each, value: JSON.parse(each.value) as unknown }
    } catch {
      return each
    }
  })
}

function flattened(expected: readonly ExpectedValue[]): ReadonlyMap<string, unknown> {
  return new Map(expected.flatMap(({ at, value }) => leavesOf(at, value)))
}

/** Values by JSON pointer; arrays and empty objects are values of their own. */
function leavesOf(at: string, value: unknown): (readonly [string, unknown])[] {
  if (value === undefined) return []
  const isTree = typeof value === 'object' && value !== null && !Array.isArray(value)
  const entries = isTree ? Object.entries(value) : []
  if (entries.length === 0) return [[at, value]]
  return entries.flatMap(([name, field]) =>
    leavesOf(`${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, field),
  )
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
