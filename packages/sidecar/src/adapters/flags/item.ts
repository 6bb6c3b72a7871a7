import type { FieldDifference, Json, PlannedAction } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import { renderJson, renderText, type Scope, TemplateError } from '../http/template.js'
import { type FlagFailure, failed } from './failure.js'
import { nettedOf, type Recorded } from './netting.js'
import type { FlagProvider } from './provider.js'
import { agree, type FlagState, type Same } from './state.js'
import type { FlagsAction, FlagsTarget } from './target.js'

/** What one evaluation must give. */
export interface Evaluation {
  readonly context: Json
  readonly value?: Json
  readonly variant?: string
  readonly errorCode?: string
}

/** A stage on the way down: the state in which so many per cent still get the feature. */
export interface Rung {
  readonly percentage: number
  readonly state: FlagState
}

/** One flag that a step restores, whatever number of its actions touched it: the unit that fidelity counts. */
export interface Item {
  readonly flag: string
  /** Of the latest action: how it goes down, and what a conflict means. */
  readonly action: FlagsAction
  /** Fields that the actions changed, and those that a stage changes. */
  readonly fields: readonly string[]
  readonly previous: FlagState
  readonly left: FlagState
  /** Fields that somebody else changed between two actions of this step. */
  readonly gaps: readonly FieldDifference[]
  /** In the order in which they are passed; empty: straight to `previous`. */
  readonly rungs: readonly Rung[]
  readonly evaluations: readonly Evaluation[]
  /** Evaluators may lag so long, milliseconds. */
  readonly withinMs: number
}

/** @returns every flag of the step, in the order in which it is undone, or why one cannot be filled in; nothing was done then. */
export function itemsOf(
  target: FlagsTarget,
  provider: FlagProvider,
  same: Same,
  work: StepWork,
): readonly Item[] | FlagFailure {
  const byFlag = new Map<string, Recorded[]>()
  for (const planned of work.actions) {
    try {
      const recorded = recordedOf(target, provider, planned, work)
      byFlag.set(recorded.flag, [...(byFlag.get(recorded.flag) ?? []), recorded])
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return failed(
        'contract',
        `${target.system}, action ${planned.action} (${planned.actionId}): ${error.message}; no flag was touched`,
        'Record the flag with its state before and after, or correct the contract; then retry or resolve the step.',
      )
    }
  }
  const items: Item[] = []
  for (const [flag, recorded] of byFlag) {
    const item = itemOf(flag, recorded, provider, same)
    if ('kind' in item) return item
    items.push(item)
  }
  return items
}

function recordedOf(
  target: FlagsTarget,
  provider: FlagProvider,
  planned: PlannedAction,
  work: StepWork,
): Recorded {
  const action = target.actions.get(planned.action)
  if (!action) throw new TemplateError('the contract has no reversible action of this name')
  const scope = scopeOf(planned, work)
  const flag = renderText(action.undo.flag, scope)
  if (!/^[A-Za-z0-9][\w.:-]{0,255}$/.test(flag))
    throw new TemplateError(`${JSON.stringify(flag.slice(0, 80))} is not the key of a flag`)
  const previous = stateOf(renderJson(action.undo.previous, scope), 'previous', provider)
  const left = stateOf(renderJson(action.undo.left, scope), 'left', provider)
  return { flag, action, scope, previous, left }
}

/** Services record identifiers, so a state comes as its JSON text; a contract may also put it together from identifiers. */
function stateOf(rendered: unknown, part: string, provider: FlagProvider): FlagState {
  const value = typeof rendered === 'string' ? parse(rendered) : rendered
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    throw new TemplateError(
      `undo.${part} is not the state of a flag: expected an object of its fields, or its JSON text`,
    )
  const foreign = Object.keys(value).filter(field => !provider.fields.includes(field))
  if (foreign.length > 0)
    throw new TemplateError(
      `undo.${part} has ${foreign.join(', ')}; of a flag of ${provider.kind}, ${provider.fields.join(', ')} can be restored`,
    )
  return value as FlagState
}

function itemOf(
  flag: string,
  recorded: readonly Recorded[],
  provider: FlagProvider,
  same: Same,
): Item | FlagFailure {
  const latest = recorded[0]!
  const earliest = recorded.at(-1)!
  const { staging } = latest.action.undo
  const netted = nettedOf(flag, recorded, staging ? provider.stages.fields : [], same)
  const rungs = staging ? rungsOf(netted, latest.action, provider, same) : []
  if (typeof rungs === 'string')
    return failed(
      'contract',
      `flag ${flag} cannot be turned off in stages: ${rungs}; it was not touched`,
      'Take `staging` out of the contract for such flags, or resolve the step with force, which skips the stages.',
    )
  const { contexts, within } = earliest.action.probe
  const evaluations = contexts.map(({ context, value, variant, errorCode }) => ({
    context: renderJson(context, earliest.scope) as Json,
    ...(value !== undefined && { value: renderJson(value, earliest.scope) as Json }),
    ...(variant !== undefined && { variant: renderText(variant, earliest.scope) }),
    ...(errorCode !== undefined && { errorCode }),
  }))
  return { flag, action: latest.action, ...netted, rungs, evaluations, withinMs: within }
}

/** Stages that really take something away, and that are not the end of the way already. */
function rungsOf(
  { fields, previous, left }: Pick<Item, 'fields' | 'previous' | 'left'>,
  { undo: { staging } }: FlagsAction,
  { stages }: FlagProvider,
  same: Same,
): readonly Rung[] | string {
  if (!staging) return []
  const share = stages.share(left, staging)
  if (typeof share === 'string') return share
  return staging.stages
    .filter(percentage => percentage < share)
    .map(percentage => ({ percentage, state: { ...left, ...stages.at(left, percentage, staging) } }))
    .filter(({ state }) => !agree(same, state, previous, fields))
}

function scopeOf({ data, actionId, resource }: PlannedAction, work: StepWork): Scope {
  const fields = parse(data)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new TemplateError("the action's data is not a JSON object")
  const { correlationId, rollbackId, stepId } = work
  return { ...fields, unwind: { correlationId, rollbackId, stepId, actionId, resource } }
}

/** @returns undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
