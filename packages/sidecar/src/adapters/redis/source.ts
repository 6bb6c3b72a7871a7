import type { PlannedAction } from '@unwind/contracts'
import { hashTag } from '@unwind/runtime/redis-log'
import { z } from 'zod'
import type { StepWork } from '../../adapter/port.js'
import { renderJson, renderText, type Scope, TemplateError } from '../http/template.js'
import type { Failure } from './failures.js'
import { type DataUndo, itemSchema, type RecordedItem } from './options.js'
import type { RedisTarget } from './target.js'

/** What the scripts are told of a step. */
export interface Source {
  /** JSON for ARGV: entries of the undo log, or the images themselves. */
  readonly text: string
  /** Every key that may be touched. */
  readonly keys: readonly (string | Buffer)[]
  /** Hash tag of the effect record: that of the keys. */
  readonly tag: string
}

/** A field as the scripts take it; a fourth `true`: the action added `after`, whatever was there. */
type Field = readonly [name: string, before: Value, after: Value, added?: true]
type Value = string | readonly string[] | null

/** @returns the images that the step's recorded data holds, or why they cannot be had; nothing has been sent then. */
export function sourceFromData(target: RedisTarget, work: StepWork): Source | Failure {
  const keys = new Set<string>()
  const actions: object[] = []
  for (const planned of work.actions) {
    const action = target.actions.get(planned.action)
    if (!action) return misfit(target, planned, 'the contract has no reversible action of this name')
    try {
      const scope = scopeOf(planned, work)
      const undo = action.undo as DataUndo
      const items = itemsOf(undo, scope)
      const appends = undo.append.map(({ stream, fields }) => ({
        stream: renderText(stream, scope),
        fields: Object.entries(fields).flatMap(([name, value]) => [name, renderText(value, scope)]),
      }))
      for (const item of items) keys.add(item.key)
      for (const append of appends) keys.add(append.stream)
      actions.push({ action: planned.action, items: items.flatMap(scriptItems), appends })
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return misfit(target, planned, error.message)
    }
  }
  const list = [...keys]
  const tags = [...new Set(list.map(hashTag))]
  if (target.options.cluster && tags.length > 1)
    return {
      code: 'contract',
      message: `step ${work.stepId} of ${work.rollbackId}: its keys carry the hash tags ${tags.join(', ')}, and a cluster runs a script in one slot only; nothing was sent`,
      hint: 'Give the keys of one business transaction one hash tag; undo this one by hand and resolve the step.',
    }
  return { text: JSON.stringify({ actions }), keys: list, tag: tags[0] ?? work.correlationId }
}

function itemsOf(undo: DataUndo, scope: Scope): readonly RecordedItem[] {
  if (undo.items === undefined) return []
  const rendered = z.array(itemSchema).safeParse(renderJson(undo.items, scope))
  if (rendered.success) return rendered.data
  const issue = rendered.error.issues[0]!
  throw new TemplateError(`undo.items.${issue.path.join('.')}: ${issue.message}`)
}

function scriptItems(item: RecordedItem): readonly (readonly [string, string, readonly Field[]])[] {
  const kind = item.type === 'sorted-set' ? 'zset' : item.type
  const fields = fieldsOf(item).filter(
    ([, before, after]) => JSON.stringify(before) !== JSON.stringify(after),
  )
  const { expireAt } = item
  return [
    ...(fields.length > 0 ? [[item.key, kind, fields] as const] : []),
    ...(expireAt && expireAt.before !== expireAt.after
      ? [[item.key, 'ttl', [['', expireAt.before, expireAt.after]]] as const]
      : []),
  ]
}

function fieldsOf(item: RecordedItem): Field[] {
  switch (item.type) {
    case 'string':
      return [['', item.before, item.after]]
    case 'list':
      // Redis has no empty list: without elements it is not there.
      return [['', item.before?.length ? item.before : null, item.after?.length ? item.after : null]]
    case 'set': {
      const present = (members: readonly string[] | null) => new Set(members ?? [])
      const [before, after] = [present(item.before), present(item.after)]
      return [...new Set([...before, ...after])].map(member => [
        member,
        before.has(member) ? '1' : null,
        after.has(member) ? '1' : null,
      ])
    }
    case 'hash':
    case 'sorted-set': {
      const { before, after, added } = item
      const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
      const valueIn = (fields: Readonly<Record<string, string | null>> | null, name: string) =>
        fields && Object.hasOwn(fields, name) ? (fields[name] ?? null) : null
      return [
        ...[...names].map(name => [name, valueIn(before, name), valueIn(after, name)] as const),
        ...Object.entries(added).map(([name, amount]) => [name, '0', amount, true] as const),
      ]
    }
  }
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

function misfit({ system }: RedisTarget, { action, actionId }: PlannedAction, why: string): Failure {
  return {
    code: 'contract',
    message: `${system}, action ${action} (${actionId}): ${why}; nothing was sent`,
    hint: 'Record what undo names with the action, or correct the contract; then retry or resolve the step.',
  }
}
