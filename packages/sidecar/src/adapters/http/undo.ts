import type { ConflictPolicy, FieldDifference } from '@unwind/contracts'
import { LONG_AGO } from '@unwind/core'
import type { StepWork } from '../../adapter/port.js'
import { type HttpFailure, judgeUndo } from './classify.js'
import type { HttpClient, TargetRequest } from './client.js'
import type { Item } from './item.js'
import { parsePointer, valueAt } from './pointer.js'
import { differencesOf, type Reading, readOnce, readUntilRestored } from './reading.js'

/** What an undo needs besides the items. */
export interface UndoShell {
  readonly client: HttpClient
  /** Epoch ms. */
  readonly now: () => number
  readonly signal: AbortSignal
  readonly keyRetentionMs: number
  failpoint(name: string): Promise<void>
}

/** What is to be done about one item, decided before anything of the step is touched. */
export type Intention =
  | { readonly kind: 'nothing'; readonly reading: Reading }
  | { readonly kind: 'keep'; readonly reading: Reading }
  | { readonly kind: 'send'; readonly reading: Reading; readonly request: TargetRequest }
  | { readonly kind: 'conflict'; readonly reading: Reading; readonly differences: readonly FieldDifference[] }
  | HttpFailure

export type ItemOutcome =
  | { readonly kind: 'done'; readonly before: boolean; readonly note: string | null }
  | { readonly kind: 'conflict'; readonly differences: readonly FieldDifference[] }
  | HttpFailure

export function policyOf(work: StepWork, item: Item): ConflictPolicy {
  return work.resolution ?? item.action.onConflict
}

/** Reads the item and compares: restored already, as the action left it, or newer than both (I6). */
export async function intend(shell: UndoShell, work: StepWork, item: Item): Promise<Intention> {
  const reading = await readOnce(shell.client, item, shell.now, shell.signal)
  if (reading.kind === 'failed')
    return { ...reading, message: `${reading.message}; read before the undo, which was not sent` }
  if (reading.restored) return { kind: 'nothing', reading }
  const policy = policyOf(work, item)
  if (!reading.asLeft && policy === 'keep') return { kind: 'keep', reading }
  if (!reading.asLeft && policy !== 'force')
    return { kind: 'conflict', reading, differences: differencesOf(reading, 'left') }
  const stale = forgottenKey(shell, work, item)
  if (stale) return stale
  if (policy === 'force') return { kind: 'send', reading, request: item.undo }
  return withPrecondition(item, reading)
}

/** Sends the undo. The key makes repeats harmless; a doubtful answer is settled by reading (design decision 4). */
export async function send(
  shell: UndoShell,
  work: StepWork,
  item: Item,
  request: TargetRequest,
): Promise<ItemOutcome> {
  await shell.failpoint('http.before-request')
  const outcome = await shell.client.send(request, shell.signal)
  await shell.failpoint('http.after-request')
  const verdict = judgeUndo(outcome, item.action.undo, `${request.method} ${request.path}`, shell.now())
  if (verdict.kind !== 'ask-probe') return verdict
  const reading = await readUntilRestored(shell.client, item, shell.now, shell.signal)
  if (reading.kind === 'failed') return reading
  if (reading.restored) return { kind: 'done', before: true, note: null }
  if (verdict.otherwise !== 'conflict') return verdict.otherwise
  if (policyOf(work, item) === 'keep') return { kind: 'done', before: false, note: keptNote(item) }
  const newer = differencesOf(reading, 'left')
  return { kind: 'conflict', differences: newer.length > 0 ? newer : differencesOf(reading, 'restored') }
}

export function keptNote(item: Item): string {
  return `${item.name}: kept, newer than the action`
}

/** After its retention the target would take the same key for a new request, and act twice (I2). */
function forgottenKey({ keyRetentionMs, now }: UndoShell, work: StepWork, item: Item): HttpFailure | null {
  const first = work.firstStartedAt ?? null
  if (first === null || now() - first < keyRetentionMs) return null
  const since =
    first === LONG_AGO ? 'a time that this process has not read of' : new Date(first).toISOString()
  return {
    kind: 'failed',
    code: 'contract',
    message: `${item.name}: first tried at ${since}, longer ago than the target remembers idempotency keys (${keyRetentionMs} ms); not sent again`,
    hint: 'See at the target whether the first try had its effect; then resolve the step by hand.',
  }
}

function withPrecondition(item: Item, reading: Reading): Intention {
  const { ifMatch } = item.action.undo
  if (ifMatch === undefined) return { kind: 'send', reading, request: item.undo }
  const tag =
    ifMatch === 'etag'
      ? reading.answer.headers.etag
      : versionTag(valueAt(reading.document, parsePointer(ifMatch) ?? []))
  if (tag === undefined || !/^"[\x21\x23-\x7e]*"$/.test(tag)) {
    const message = `GET ${item.probe.path}: undo.ifMatch asks for ${ifMatch === 'etag' ? 'a strong ETag' : ifMatch}, and the answer has ${tag ?? 'none'}`
    return {
      kind: 'failed',
      code: 'contract',
      message,
      hint: 'Name the version field by a JSON pointer in undo.ifMatch, or take ifMatch out.',
    }
  }
  return {
    kind: 'send',
    reading,
    request: { ...item.undo, headers: { ...item.undo.headers, 'if-match': tag } },
  }
}

function versionTag(version: unknown): string | undefined {
  return typeof version === 'string' || typeof version === 'number' ? `"${version}"` : undefined
}
