import type { ActionContract, ConflictPolicy, Contract } from '@unwind/contracts'
import { hashTag, type RedisLayout, redisLayout } from '@unwind/runtime/redis-log'
import type { z } from 'zod'
import { type PartProblem, take, unfit } from '../../adapter/taking.js'
import type { JsonTemplate, Template } from '../http/template.js'
import {
  type CapturedUndo,
  capturedUndoSchema,
  type DataUndo,
  dataUndoSchema,
  type RedisAdapterOptions,
  redisAdapterSchema,
} from './options.js'

/** One action of the contract, compiled. */
export interface RedisAction {
  readonly name: string
  readonly onConflict: ConflictPolicy
  readonly undo: CapturedUndo | DataUndo
}

/** A contract of kind "redis", compiled once, at start. */
export interface RedisTarget {
  readonly system: string
  readonly options: RedisAdapterOptions
  readonly layout: RedisLayout
  /** Without the irreversible ones: those are never a step's to undo. */
  readonly actions: ReadonlyMap<string, RedisAction>
  /** What the scripts need of the actions: policies and rules by action, as JSON. */
  readonly rules: string
}

export type RedisContractProblem = PartProblem

/** @returns the compiled target, or every problem at once. */
export function compileRedisContract(contract: Contract): {
  target: RedisTarget | null
  problems: readonly RedisContractProblem[]
} {
  const problems: RedisContractProblem[] = []
  const options = take(redisAdapterSchema, contract.adapter, ['adapter'], problems)
  const actions = new Map<string, RedisAction>()
  for (const [name, action] of Object.entries(contract.actions)) {
    const compiled = compileAction(name, action, shapeOf(contract), problems)
    if (compiled) actions.set(name, compiled)
  }
  if (!options || problems.length > 0) return { target: null, problems }
  const target = {
    system: contract.system,
    options,
    layout: redisLayout(options.prefix),
    actions,
    rules: rulesOf(actions),
  }
  return { target, problems }
}

/** @throws ContractError that lists every problem with its key. */
export function redisTarget(contract: Contract): RedisTarget {
  const { target, problems } = compileRedisContract(contract)
  if (target) return target
  throw unfit(contract, 'redis', problems)
}

/** What actions are checked against also where the section itself is wrong, so that all is told at once. */
function shapeOf({ adapter }: Contract): Pick<RedisAdapterOptions, 'images' | 'cluster'> {
  return { images: adapter.images === 'data' ? 'data' : 'captured', cluster: adapter.cluster === true }
}

function compileAction(
  name: string,
  action: ActionContract,
  { images, cluster }: Pick<RedisAdapterOptions, 'images' | 'cluster'>,
  problems: RedisContractProblem[],
): RedisAction | null {
  const say = (part: string, message: string) => problems.push({ key: ['actions', name, part], message })
  if (action.reversibility === 'irreversible') {
    if (action.undo !== undefined)
      say('undo', 'the action is declared irreversible; take the undo out, or declare it compensatable')
    return null
  }
  if (action.probe !== undefined)
    say('probe', 'the redis adapter reads the touched keys back by itself; take the probe out')
  if (images === 'data' && action.undo === undefined)
    say(
      'undo',
      'missing: with adapter.images "data" say by undo.items or undo.append what the action changed',
    )
  const key = ['actions', name, 'undo']
  const schema: z.ZodType<CapturedUndo | DataUndo> = images === 'data' ? dataUndoSchema : capturedUndoSchema
  const undo = take(schema, action.undo, key, problems)
  if (!undo) return null
  if (cluster && 'append' in undo) for (const why of slotProblems(undo)) say('undo', why)
  return { name, onConflict: action.onConflict, undo }
}

/**
 * In a cluster a script may touch one slot only. What the templates say of it is checked here; what the data fills in, when it
 * is there.
 */
function slotProblems(undo: DataUndo): string[] {
  const names = [...keyTemplates(undo.items), ...undo.append.map(each => each.stream)].map(symbolic)
  const tags = new Set(names.map(hashTag))
  if (tags.size <= 1) return []
  return [
    `in a cluster all keys of a step must share one hash tag, such as "{{{orderId}}}:cart"; these do not: ${names.join(', ')}`,
  ]
}

function keyTemplates(items: JsonTemplate | undefined): Template[] {
  if (items?.kind !== 'array') return []
  return items.items.flatMap(item => {
    if (item.kind !== 'object') return []
    const key = item.fields.find(([name]) => name === 'key')?.[1]
    return key?.kind === 'string' ? [key.template] : []
  })
}

/** A key as its template shows it; placeholders stand for themselves, without braces that would look like a hash tag. */
function symbolic({ parts }: Template): string {
  return parts.map(part => ('literal' in part ? part.literal : `<${part.placeholder}>`)).join('')
}

function rulesOf(actions: ReadonlyMap<string, RedisAction>): string {
  const entries = [...actions.values()].map(({ name, onConflict, undo }) => {
    const rules = [
      ...undo.ignore.map(rule => ({ ...placeOf(rule), ignore: true })),
      ...undo.delta.map(rule => ({
        ...placeOf(rule),
        delta: true,
        ...(rule.min === undefined ? {} : { min: rule.min }),
        ...(rule.max === undefined ? {} : { max: rule.max }),
      })),
    ]
    return [name, { onConflict, rules }] as const
  })
  return JSON.stringify(Object.fromEntries(entries))
}

function placeOf(rule: { readonly key: string; readonly field: string }) {
  return { key: luaPattern(rule.key), field: luaPattern(rule.field) }
}

/** A glob as a Lua pattern for the whole text. */
export function luaPattern(glob: string): string {
  const body = glob.replace(/[\^$()%.[\]*+\-?]/g, char =>
    char === '*' ? '.*' : char === '?' ? '.' : `%${char}`,
  )
  return `^${body}$`
}
