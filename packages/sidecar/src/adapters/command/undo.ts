import type { ConflictPolicy, FieldDifference } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import type { Item } from './item.js'
import { type CommandFailure, judgeUndo } from './judge.js'
import { callText, differences, type Reading, type Runner, readUntilRestored } from './reading.js'

/** What an undo needs besides the items. */
export interface UndoShell {
  /** Runs what only reads. */
  readonly read: Runner
  /** Runs what has an effect; what it prints goes into the timeline. */
  readonly effect: Runner
  readonly signal: AbortSignal
  failpoint(name: string): Promise<void>
}

/** What is to be done about one item, decided before anything of the step is touched. */
export type Intention =
  | { readonly kind: 'nothing' | 'keep' | 'run'; readonly reading: Reading }
  | { readonly kind: 'conflict'; readonly reading: Reading; readonly differences: readonly FieldDifference[] }

export type ItemOutcome =
  | { readonly kind: 'done'; readonly before: boolean; readonly note: string | null }
  | { readonly kind: 'conflict'; readonly differences: readonly FieldDifference[] }
  | CommandFailure

export function policyOf(work: StepWork, item: Item): ConflictPolicy {
  return work.resolution ?? item.action.onConflict
}

/** Restored already, as the action left it, or newer than both (I6). */
export function intend(work: StepWork, reading: Reading): Intention {
  if (reading.restored) return { kind: 'nothing', reading }
  const policy = policyOf(work, reading.item)
  if (reading.asLeft || policy === 'force') return { kind: 'run', reading }
  if (policy === 'keep') return { kind: 'keep', reading }
  return { kind: 'conflict', reading, differences: differences(reading, 'left') }
}

/** Runs the undo. The token makes repeats harmless; a conflict that the program itself sees is shown by a read. */
export async function act(shell: UndoShell, work: StepWork, item: Item): Promise<ItemOutcome> {
  if (item.first) {
    const what = callText(item.first)
    const saved = judgeUndo(await shell.effect(item.first, item.action.timeoutMs), SAVED, what)
    if (saved.kind === 'failed')
      // Whatever became of the copy, what it was to save has not been touched: it can be made again.
      return {
        ...saved,
        code: saved.code === 'contract' ? 'contract' : 'transient',
        message: `${saved.message}; the present state was not saved, so nothing was restored`,
      }
  }
  await shell.failpoint('command.before-run')
  const ended = await shell.effect(item.undo, item.action.timeoutMs)
  await shell.failpoint('command.after-run')
  const verdict = judgeUndo(ended, item.action.undo.exits, callText(item.undo))
  if (verdict.kind === 'done') return { ...verdict, note: null }
  if (verdict.code !== 'conflict') return verdict
  const reading = await readUntilRestored(shell.read, item, shell.signal, () => false)
  if (reading.kind === 'failed') return reading
  if (reading.restored) return { kind: 'done', before: true, note: null }
  if (policyOf(work, item) === 'keep') return { kind: 'done', before: false, note: keptNote(item) }
  const newer = differences(reading, 'left')
  return { kind: 'conflict', differences: newer.length > 0 ? newer : differences(reading, 'restored') }
}

const SAVED = new Map([[0, 'done' as const]])

/**
 * Kept is only what somebody chose to keep and what is newer than the action. Where the contract does not say what the
 * action left behind, that choice must be a named actor's: otherwise an undo that never happened would pass for it.
 */
export function isKept(work: StepWork, { item, restored, asLeft }: Reading): boolean {
  if (restored || policyOf(work, item) !== 'keep') return false
  return item.left.length > 0 ? !asLeft : work.resolution === 'keep'
}

export function keptNote(item: Item): string {
  return `${item.name}: kept, newer than the action`
}
