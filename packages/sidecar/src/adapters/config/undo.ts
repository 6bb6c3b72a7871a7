import type { ConflictPolicy } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import { type Comparison, compare, type Intention, intend } from './compare.js'
import { failureOf } from './load.js'
import type { Item, Loaded, Store, Written } from './store.js'

/** What is to be done about one document, decided before anything of the step is touched. */
export interface Decision {
  readonly loaded: Loaded
  readonly comparison: Comparison
  readonly intention: Intention
}

/** Several actions on one document: what the latest one's contract says. */
export function policyOf(work: StepWork, item: Item): ConflictPolicy {
  return work.resolution ?? item.changes[0]!.action.onConflict
}

export function decide(work: StepWork, loaded: Loaded): Decision {
  const { images, values, texts, current, item } = loaded
  const comparison = compare(images, values)
  const text =
    texts === undefined
      ? 'other'
      : current === texts.before
        ? 'before'
        : current === texts.after
          ? 'after'
          : 'other'
  return { loaded, comparison, intention: intend(images, comparison, text, policyOf(work, item)) }
}

/** Writes what was decided. */
export async function restore(
  store: Store,
  key: string,
  work: StepWork,
  { loaded, comparison, intention }: Decision,
  signal: AbortSignal,
): Promise<Written> {
  try {
    const text = textOf(loaded, intention)
    const forced = comparison.newer.length > 0 && policyOf(work, loaded.item) === 'force'
    return await store.write(key, loaded, text, work, forced, signal)
  } catch (error) {
    const failure = failureOf(error, loaded.item.id)
    if (failure) return failure
    throw error
  }
}

function textOf({ texts, images, current, format }: Loaded, intention: Intention): string | null {
  if (intention.kind === 'whole') return texts!.before
  const keys = intention.kind === 'keys' ? intention.keys : []
  return format.write(current ?? '', new Map(keys.map(each => [each, images.before.get(each) ?? null])))
}
