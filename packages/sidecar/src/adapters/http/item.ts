import type { PlannedAction } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import type { HttpFailure } from './classify.js'
import type { TargetRequest } from './client.js'
import { fillInAll } from './fill-in.js'
import { undoKey } from './idempotency-key.js'
import type { Expectation } from './options.js'
import type { Pointer } from './pointer.js'
import type { HttpAction, HttpTarget } from './target.js'
import { renderJson, renderPath, renderText, type Scope, type Template, TemplateError } from './template.js'

/** A value that a JSON pointer must lead to. */
export interface ExpectedValue {
  readonly at: string
  readonly pointer: Pointer
  readonly value: unknown
}

/** One action of a step with its contract filled in by its recorded data: the unit that fidelity counts. */
export interface Item {
  readonly action: HttpAction
  /** For people: the resource, or the path that is read. */
  readonly name: string
  readonly undo: TargetRequest
  readonly probe: TargetRequest
  /** Values once it is restored. */
  readonly restored: readonly ExpectedValue[]
  /** Values that the action left behind; empty when the contract does not say. */
  readonly left: readonly ExpectedValue[]
}

const WORDING = {
  untouched: 'nothing was sent',
  correct: 'Record the field with the action, or correct the template; then retry or resolve the step.',
}

/** @returns every action of the step as an item, or why one cannot be filled in; nothing has been sent then. */
export function itemsOf(target: HttpTarget, work: StepWork): readonly Item[] | HttpFailure {
  return fillInAll(target, work, WORDING, (action, planned) => fillIn(action, planned, work))
}

function fillIn(action: HttpAction, planned: PlannedAction, work: StepWork): Item {
  const scope = scopeOf(planned, work)
  const { undo, probe, timeoutMs } = action
  const trace = work.traceparent === null ? {} : { traceparent: work.traceparent }
  const body = undo.body === undefined ? null : JSON.stringify(renderJson(undo.body, scope))
  const key = undoKey(work, planned.actionId)
  const path = renderPath(probe.path, scope)
  return {
    action,
    name: planned.resource ?? path,
    undo: {
      method: undo.method,
      path: renderPath(undo.path, scope),
      headers: {
        ...(body !== null && { 'content-type': 'application/json' }),
        ...renderHeaders(undo.headers, scope),
        ...trace,
        [undo.idempotencyKeyHeader.toLowerCase()]: undo.idempotencyKeyFormat === 'quoted' ? `"${key}"` : key,
      },
      body,
      timeoutMs,
    },
    probe: {
      method: 'GET',
      path,
      headers: { ...renderHeaders(probe.headers, scope), ...trace },
      body: null,
      timeoutMs,
    },
    restored: renderExpected(probe.expect, scope),
    left: renderExpected(undo.expect, scope),
  }
}

export function scopeOf(planned: PlannedAction, { correlationId, rollbackId, stepId }: StepWork): Scope {
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

function renderHeaders(headers: Readonly<Record<string, Template>>, scope: Scope): Record<string, string> {
  const rendered: Record<string, string> = {}
  for (const [name, template] of Object.entries(headers)) {
    const value = renderText(template, scope)
    // A line break in recorded data would begin another header.
    if (!/^[\x20-\x7e]*$/.test(value))
      throw new TemplateError(`header ${name} would hold characters that a header cannot carry`)
    rendered[name.toLowerCase()] = value
  }
  return rendered
}

export function renderExpected(expected: readonly Expectation[], scope: Scope): readonly ExpectedValue[] {
  return expected.map(({ at, pointer, value }) => ({ at, pointer, value: renderJson(value, scope) }))
}
