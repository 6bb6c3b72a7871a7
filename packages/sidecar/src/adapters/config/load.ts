import type { StepWork } from '../../adapter/port.js'
import { scopeOf } from '../http/item.js'
import { renderJson, renderText, type Scope, type Template, TemplateError } from '../http/template.js'
import { combined, type Image, type Images } from './compare.js'
import { FormatError } from './format/index.js'
import type { Change, ConfigFailure, Item, Loaded, Store } from './store.js'
import type { ConfigTarget } from './target.js'
import { PathRefused } from './tree.js'

/** @returns the documents that the step changed, or why one cannot be named; nothing has been touched then. */
export function itemsOf(target: ConfigTarget, store: Store, work: StepWork): readonly Item[] | ConfigFailure {
  const items = new Map<string, Change[]>()
  for (const planned of work.actions) {
    const about = `${target.system}, action ${planned.action} (${planned.actionId})`
    const action = target.actions.get(planned.action)
    if (!action)
      return contractFailure(
        `${about}: the contract has no reversible action of this name; nothing was changed`,
        'Publish a contract that names it, or resolve the step by hand.',
      )
    try {
      const scope = scopeOf(planned, work)
      const { id, format } = store.nameOf(action, scope)
      const name = planned.resource ?? id
      items.set(id, [
        ...(items.get(id) ?? []),
        { action, actionId: planned.actionId, id, name, scope, format },
      ])
    } catch (error) {
      const failure = failureOf(error, about)
      if (failure) return failure
      throw error
    }
  }
  return [...items].map(([id, changes]) => ({ id, name: changes[0]!.name, changes }))
}

/** Reads the document and the versions of each of its actions. */
export async function load(store: Store, item: Item, signal: AbortSignal): Promise<Loaded | ConfigFailure> {
  const [latest] = item.changes
  const format = latest!.format
  try {
    const found = await store.read(item, signal)
    if ('kind' in found) return found
    const all: { images: Images; texts: Loaded['texts'] }[] = []
    for (const change of item.changes) {
      const sides = await imagesOf(store, change, signal)
      if ('kind' in sides) return sides
      all.push(sides)
    }
    const earliest = all.at(-1)!
    const texts =
      all[0]!.texts && earliest.texts
        ? { before: earliest.texts.before, after: all[0]!.texts.after }
        : undefined
    return {
      kind: 'loaded',
      item,
      format,
      images: combined(all.map(each => each.images)),
      texts,
      current: found.text,
      values: found.text === null ? new Map() : format.read(found.text),
      tag: found.tag,
    }
  } catch (error) {
    const failure = failureOf(error, item.id)
    if (failure) return failure
    throw error
  }
}

async function imagesOf(store: Store, change: Change, signal: AbortSignal) {
  const { previous, left } = change.action.undo
  const between = new Set<string>()
  if ('values' in previous && 'values' in left) {
    const before = valuesOf(change, renderJson(previous.values, change.scope))
    const after = valuesOf(change, renderJson(left.values, change.scope))
    // Both name the same keys: one that only the other side has was not there.
    const keys = [...before.keys(), ...after.keys()]
    const filled = (image: Image) => new Map(keys.map(key => [key, image.get(key) ?? null]))
    return {
      images: { before: filled(before), after: filled(after), between, whole: false },
      texts: undefined,
    }
  }
  const before = await store.version(change, 'previous', signal)
  if ('kind' in before) return before
  const after = await store.version(change, 'left', signal)
  if ('kind' in after) return after
  const read = (text: string | null): Image => (text === null ? new Map() : change.format.read(text))
  return {
    images: { before: read(before.text), after: read(after.text), between, whole: true },
    texts: { before: before.text, after: after.text },
  }
}

function valuesOf({ format, actionId }: Change, rendered: unknown): Image {
  // Recorded data is flat, so an object of values is recorded as JSON text.
  const recorded = typeof rendered === 'string' ? parsed(rendered) : rendered
  if (typeof recorded !== 'object' || recorded === null || Array.isArray(recorded))
    throw new TemplateError(`the recorded values of ${actionId} are not an object of values by key`)
  return new Map(
    Object.entries(recorded).map(([name, value]) => [
      format.keyOf(name),
      value === null ? null : JSON.stringify(value),
    ]),
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A template whose field is null or empty in the action's data: there was no such version. */
export function renderOrNull(
  template: Template,
  scope: Scope,
  render: (template: Template, scope: Scope) => string = renderText,
): string | null {
  const isNone = template.parts.some(part => {
    if (!('placeholder' in part)) return false
    const value = part.placeholder
      .split('.')
      .reduce<unknown>((at, field) => (at as Record<string, unknown> | null | undefined)?.[field], scope)
    return value === null || value === ''
  })
  return isNone ? null : render(template, scope)
}

/** What a recorded path, a value or a document's form can be wrong in; anything else is not ours to explain. */
export function failureOf(error: unknown, about: string): ConfigFailure | null {
  if (error instanceof TemplateError || error instanceof PathRefused)
    return contractFailure(
      `${about}: ${error.message}; nothing was changed`,
      'Correct the recorded data or the contract; else resolve the step by hand.',
    )
  if (error instanceof FormatError)
    return contractFailure(
      `${about}: ${error.message}`,
      'Name the right format in the contract, or mend the document; then retry the step.',
    )
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return contractFailure(
      `${about}: the sidecar may not do this (${code})`,
      'Give the user of the sidecar the right to read and write below adapter.root.',
    )
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EMFILE' || code === 'ENFILE')
    return {
      kind: 'failed',
      code: 'transient',
      message: `${about}: the machine is out of space or files (${code})`,
      hint: 'Make room; it is tried again.',
    }
  return null
}

export function contractFailure(message: string, hint: string): ConfigFailure {
  return { kind: 'failed', code: 'contract', message, hint }
}
