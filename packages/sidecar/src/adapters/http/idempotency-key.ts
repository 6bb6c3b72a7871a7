import { hashText } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'

/** Printable, without what a structured-field string would have to escape, and short enough for every target known. */
const SAFE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/

/**
 * The key of one action's undo: of the step, and of the action when the step has several, so that a step that was
 * interrupted after k of n is resumed without repeating (I2). Never of the attempt. A key that cannot stand in a header
 * is replaced by its digest.
 */
export function undoKey(work: StepWork, actionId: string): string {
  const key = work.actions.length === 1 ? work.key : `${work.key}/${actionId}`
  return SAFE.test(key) ? key : `sha256-${hashText(key)}`
}
