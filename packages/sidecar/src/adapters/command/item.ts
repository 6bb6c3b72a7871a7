import type { PlannedAction } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import { fillInAll } from '../http/fill-in.js'
import { undoKey } from '../http/idempotency-key.js'
import { type ExpectedValue, renderExpected, scopeOf } from '../http/item.js'
import { renderText, type Scope, TemplateError } from '../http/template.js'
import { renderArgument } from './argument.js'
import type { CommandFailure } from './judge.js'
import type { CommandSpec } from './options.js'
import { STEP_VARIABLE } from './survivors.js'
import type { CommandAction, CommandTarget } from './target.js'

/** A program and its arguments, filled in. */
export interface Filled {
  readonly run: string
  readonly args: readonly string[]
  /** What the adapter adds to the environment. */
  readonly variables: Readonly<Record<string, string>>
}

/** One action of a step with its contract filled in by its recorded data: the unit that fidelity counts. */
export interface Item {
  readonly action: CommandAction
  /** For people: the resource, or the action's ID. */
  readonly name: string
  readonly undo: Filled
  /** Run before the undo, only where there is something to undo: saves the state that it overwrites. */
  readonly first: Filled | null
  readonly probe: Filled
  /** Values once it is restored. */
  readonly restored: readonly ExpectedValue[]
  /** Values that the action left behind; empty when the contract does not say. */
  readonly left: readonly ExpectedValue[]
}

const WORDING = {
  untouched: 'nothing was run',
  correct: 'Correct the recorded data or the argument in the contract; else resolve the step by hand.',
}

/** @returns every action of the step as an item, or why one cannot be filled in; nothing has been run then. */
export function itemsOf(target: CommandTarget, work: StepWork): readonly Item[] | CommandFailure {
  return fillInAll(target, work, WORDING, (action, planned) => fillIn(action, planned, work))
}

function fillIn(action: CommandAction, planned: PlannedAction, work: StepWork): Item {
  const token = undoKey(work, planned.actionId)
  const scope = withToken(scopeOf(planned, work), token)
  const context = {
    UNWIND_CORRELATION_ID: work.correlationId,
    UNWIND_ROLLBACK_ID: work.rollbackId,
    UNWIND_ACTION_ID: planned.actionId,
    ...(work.traceparent === null ? {} : { TRACEPARENT: work.traceparent }),
  }
  // Of the step, never of the attempt: a program that remembers it acts once (I2).
  const effect = {
    ...context,
    UNWIND_TOKEN: token,
    // For programs that look once more, under a lock of their own, whether newer data is in the way.
    UNWIND_ON_CONFLICT: work.resolution ?? action.onConflict,
    [STEP_VARIABLE]: work.key,
  }
  const snapshot = action.snapshot && snapshotName(renderText(action.snapshot.name, scope))
  const named = (name: string | null): Record<string, string> =>
    name === null ? {} : { UNWIND_SNAPSHOT: name }
  const saved = { ...effect, ...named(`before-${token.replaceAll(/[^\w.-]/g, '-')}`.slice(0, LONGEST_NAME)) }
  return {
    action,
    name: planned.resource ?? planned.actionId,
    undo: fill(action.undo, scope, { ...effect, ...named(snapshot) }),
    first: action.snapshot && fill(action.snapshot.create, scope, saved),
    probe: fill(action.probe, scope, { ...context, ...named(snapshot) }),
    restored: renderExpected(action.probe.expect, scope),
    left: renderExpected(action.undo.expect, scope),
  }
}

function fill(
  { run, words, arguments: args }: CommandSpec,
  scope: Scope,
  variables: Filled['variables'],
): Filled {
  for (const [name, value] of Object.entries(variables))
    if (/[\0\r\n]/.test(value)) throw new TemplateError(`${name} would hold NUL or a line break`)
  // Always, also without arguments: what stands behind it can never be an option.
  return { run, args: [...words, '--', ...args.map(arg => renderArgument(arg, scope))], variables }
}

function withToken(scope: Scope, token: string): Scope {
  return { ...scope, unwind: { ...(scope.unwind as Scope), token } }
}

const LONGEST_NAME = 128

/** A name that is a file name and no option, whatever the commands make of it. */
function snapshotName(name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,127}$/.test(name)) return name
  throw new TemplateError(
    `${JSON.stringify(name.slice(0, 80))} is not the name of a snapshot: expected letters, digits, "_", "." and "-", beginning with a letter or digit`,
  )
}
