import { hashText } from '@unwind/contracts'
import type { UndoResult } from '../../adapter/port.js'
import type { Item } from './item.js'
import { callText, type Reading, valuesOf } from './reading.js'
import type { ItemOutcome } from './undo.js'

/** Programs named in `how`; the ledger is not the place for hundreds. */
const CALLS_NAMED = 3

/** Items before this one are undone; their tokens and their state keep them from being undone again. */
export function stopped(
  outcome: Exclude<ItemOutcome, { kind: 'done' }>,
  run: number,
  all: number,
): UndoResult {
  if (run === 0) return outcome
  const share = `${run} of ${all} items were undone before; they are not repeated`
  if (outcome.kind === 'failed') return { ...outcome, message: `${outcome.message}; ${share}` }
  // Not the outcome "conflict": that one promises that nothing was changed.
  const names = outcome.differences.map(({ item, field }) => `${item}${field}`).join(', ')
  return {
    kind: 'failed',
    code: 'conflict',
    message: `${names} was changed between the read and the undo; ${share}`,
    hint: 'See the newer data, then resolve the step with keep or force.',
  }
}

export function digestOf(readings: readonly Reading[]): string {
  return hashText(JSON.stringify(readings.map(valuesOf)))
}

export function howOf(items: readonly Item[]): string {
  const calls = [...new Set(items.map(item => callText(item.probe)))]
  const more = calls.length > CALLS_NAMED ? ` and ${calls.length - CALLS_NAMED} more` : ''
  return calls.slice(0, CALLS_NAMED).join(', ') + more
}
