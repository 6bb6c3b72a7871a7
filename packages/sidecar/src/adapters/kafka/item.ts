import { HEADER, hashText, type PlannedAction } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import { renderJson, renderText, type Scope, TemplateError } from '../http/template.js'
import { type Failure, failed } from './failures.js'
import type { KafkaUndo } from './options.js'
import type { KafkaAction, KafkaTarget } from './target.js'

/** Where the record lies that the action wrote, on a topic that keeps the newest record of a key. */
export interface Replaced {
  readonly partition: number
  readonly offset: bigint
  /** Epoch ms, at or before its writing. */
  readonly at: number
  /** What it holds, as the recorded data says; undefined: it says nothing. */
  readonly value: Buffer | null | undefined
}

/** One reversing record, filled in: the unit that fidelity counts. */
export interface Item {
  /** For people: topic and key. */
  readonly name: string
  readonly action: KafkaAction
  readonly topic: string
  readonly key: string
  /** Null is a tombstone. */
  readonly value: Buffer | null
  /** ID of the reversing record: of step and action, never of the attempt (I2). */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  /** Null: an event beside others. */
  readonly replaced: Replaced | null
  /** Offsets of all records of this key that the step's actions wrote: what is found there is not newer than the action. */
  readonly ours: ReadonlySet<bigint>
}

/** @returns the records that undo the step, in the order in which they are sent, or why one cannot be filled in; nothing has been sent then. */
export function itemsOf(target: KafkaTarget, work: StepWork, now: number): readonly Item[] | Failure {
  const items: Item[] = []
  for (const planned of work.actions) {
    const action = target.actions.get(planned.action)
    if (!action) return misfit(target, planned, 'the contract has no reversible action of this name')
    try {
      items.push(fillIn(target, action, planned, work, now))
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return misfit(target, planned, error.message)
    }
  }
  return newestWins(items)
}

/**
 * Where several actions of the step replaced records of one key, what stood before the first of them is restored at once: what lies
 * between could be compacted away after it was sent, and nobody could tell any more that it was.
 */
function newestWins(items: readonly Item[]): readonly Item[] {
  const merged = new Map<string, Item>()
  for (const item of items) {
    if (!item.replaced) {
      merged.set(item.id, item)
      continue
    }
    const at = JSON.stringify([item.topic, item.key])
    const later = merged.get(at)
    merged.delete(at)
    merged.set(at, later ? { ...item, ours: new Set([...later.ours, ...item.ours]) } : item)
  }
  return [...merged.values()]
}

function fillIn(
  { system }: KafkaTarget,
  action: KafkaAction,
  planned: PlannedAction,
  work: StepWork,
  now: number,
): Item {
  const scope = scopeOf(planned, work)
  const { undo } = action
  const key = renderText(undo.key, scope)
  const id = recordId(work, planned.actionId)
  const value = bytesOf(
    undo.encoding,
    undo.value === undefined ? null : renderJson(undo.value, scope),
    'undo.value',
  )
  const replaced = undo.replaces ? replacedBy(undo, undo.replaces, scope) : null
  return {
    name: `${undo.topic}/${key}`,
    action,
    topic: undo.topic,
    key,
    value,
    id,
    headers: {
      ...Object.fromEntries(
        Object.entries(undo.headers).map(([name, template]) => [name, renderText(template, scope)]),
      ),
      ...eventHeaders(system, action, planned, work, id, now),
    },
    replaced,
    ours: new Set(replaced ? [replaced.offset] : []),
  }
}

function eventHeaders(
  system: string,
  action: KafkaAction,
  planned: PlannedAction,
  work: StepWork,
  id: string,
  now: number,
): Record<string, string> {
  return {
    [HEADER.specVersion]: '1.0',
    [HEADER.id]: id,
    [HEADER.type]: action.type,
    [HEADER.source]: `/unwind/sidecar/${system}`,
    [HEADER.time]: new Date(now).toISOString(),
    [HEADER.correlationId]: work.correlationId,
    [HEADER.causationId]: planned.actionId,
    ...(planned.resource === null ? {} : { [HEADER.subject]: planned.resource }),
    ...(action.undo.encoding === 'json' ? { [HEADER.contentType]: 'application/json' } : {}),
    ...(work.traceparent === null ? {} : { [HEADER.traceparent]: work.traceparent }),
    [HEADER.rollback]: work.rollbackId,
    [HEADER.step]: work.stepId,
    [HEADER.system]: system,
  }
}

/** Short enough for every consumer's table of seen IDs; one that is not is replaced by its digest. */
function recordId(work: StepWork, actionId: string): string {
  const id = `${work.key}/${actionId}`
  return id.length <= 255 ? id : `sha256-${hashText(id)}`
}

function replacedBy(
  { encoding }: KafkaUndo,
  replaces: NonNullable<KafkaUndo['replaces']>,
  scope: Scope,
): Replaced {
  const partition = numberIn('partition', renderText(replaces.partition, scope))
  const at = renderText(replaces.at, scope)
  const moment = /^\d+$/.test(at) ? Number(at) : Date.parse(at)
  if (!Number.isSafeInteger(moment))
    throw new TemplateError(`undo.replaces.at: ${JSON.stringify(at)} is no moment (epoch ms or ISO 8601)`)
  return {
    partition: Number(partition),
    offset: numberIn('offset', renderText(replaces.offset, scope)),
    at: moment,
    value:
      replaces.value === undefined
        ? undefined
        : bytesOf(encoding, renderJson(replaces.value, scope), 'undo.replaces.value'),
  }
}

function numberIn(name: string, text: string): bigint {
  if (!/^\d{1,18}$/.test(text))
    throw new TemplateError(`undo.replaces.${name}: ${JSON.stringify(text)} is no ${name}`)
  return BigInt(text)
}

function bytesOf(encoding: KafkaUndo['encoding'], value: unknown, what: string): Buffer | null {
  if (value === null) return null
  if (encoding === 'json') return Buffer.from(JSON.stringify(value), 'utf8')
  if (typeof value !== 'string') throw new TemplateError(`${what}: expected text, got ${typeof value}`)
  if (encoding === 'text') return Buffer.from(value, 'utf8')
  const bytes = Buffer.from(value, 'base64')
  // Node skips what is no base64; what it reads must be all that was there.
  if (bytes.toString('base64').replace(/=+$/, '') !== value.replace(/=+$/, ''))
    throw new TemplateError(`${what}: is no base64`)
  return bytes
}

function scopeOf(planned: PlannedAction, { correlationId, rollbackId, stepId }: StepWork): Scope {
  let data: unknown
  try {
    data = JSON.parse(planned.data)
  } catch {
    data = null
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new TemplateError("the action's data is not a JSON object")
  const { actionId, resource } = planned
  return { ...data, unwind: { correlationId, rollbackId, stepId, actionId, resource } }
}

function misfit({ system }: KafkaTarget, { action, actionId }: PlannedAction, why: string): Failure {
  return failed(
    'contract',
    `${system}, action ${action} (${actionId}): ${why}; nothing was sent`,
    'Record the field with the action, or correct the template; then retry or resolve the step.',
  )
}
