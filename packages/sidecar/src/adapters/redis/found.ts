import type { FoundAction } from '../../adapter/port.js'
import { textOf } from './answers.js'
import type { Reply } from './connection.js'

/** Keys named in the recorded data; the images, and all other keys, stay in Redis. */
const KEYS_NAMED = 50

/** The identifiers of a captured action: what fence and relay say of it must be the same text. */
export function dataOf(keys: readonly Reply[]): string {
  return JSON.stringify({ items: keys.length, keys: keys.slice(0, KEYS_NAMED).map(textOf) })
}

/** Entries of the undo log as the fence script lists them, in the order in which they were written. */
export function foundActions(rows: readonly Reply[]): readonly FoundAction[] {
  return rows
    .map(row => row as readonly Reply[])
    .sort((one, other) => Number(one[1]) - Number(other[1]))
    .map(([actionId, , at, action, resource, keys]) => ({
      actionId: textOf(actionId),
      action: textOf(action),
      resource: textOf(resource) || null,
      occurredAt: Number(textOf(at)),
      data: dataOf((keys ?? []) as readonly Reply[]),
    }))
}
