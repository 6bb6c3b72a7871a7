import { type ActionContract, type ConflictPolicy, type Contract, contractSchema } from '@unwind/contracts'
import { take, unfit } from '../../adapter/taking.js'
import { type Environment, expandVariables } from '../http/environment.js'
import { compileHttpContract, type HttpTarget } from '../http/target.js'
import {
  type FlagsAdapterOptions,
  type FlagsProbe,
  type FlagsUndo,
  flagsAdapterSchema,
  flagsProbeSchema,
  flagsUndoSchema,
} from './options.js'
import { stageMakerOf } from './stage-makers.js'

/** One action of the contract, compiled. */
export interface FlagsAction {
  readonly name: string
  readonly undo: FlagsUndo
  readonly probe: FlagsProbe
  readonly onConflict: ConflictPolicy
  /** One call, milliseconds. */
  readonly timeoutMs: number
}

/** A contract of kind "flags", compiled once, at start. */
export interface FlagsTarget {
  readonly system: string
  readonly options: FlagsAdapterOptions
  readonly ofrep: HttpTarget
  readonly monitor: HttpTarget | null
  /** Where flags are read and written; null: a file. */
  readonly api: HttpTarget | null
  /** Without the irreversible ones: those are never a step's to undo. */
  readonly actions: ReadonlyMap<string, FlagsAction>
}

export interface FlagsContractProblem {
  /** Key path inside the contract. */
  readonly key: readonly (string | number)[]
  readonly message: string
}

type Problems = FlagsContractProblem[]

/** @returns the compiled target, or every problem at once. */
export function compileFlagsContract(
  contract: Contract,
  environment: Environment,
): { target: FlagsTarget | null; problems: readonly FlagsContractProblem[] } {
  const problems: Problems = []
  const section = expandVariables(contract.adapter, environment, (key, message) =>
    problems.push({ key: ['adapter', ...key], message }),
  )
  const options = problems.length === 0 ? take(flagsAdapterSchema, section, ['adapter'], problems) : null
  const actions = new Map<string, FlagsAction>()
  for (const [name, action] of Object.entries(contract.actions)) {
    const compiled = compileAction(name, action, problems)
    if (!compiled) continue
    actions.set(name, compiled)
    if (options) problems.push(...stagingProblems(contract, options, compiled))
  }
  const timeoutMs = Math.min(...[...actions.values()].map(action => action.timeoutMs), 60_000)
  const connect = (part: 'ofrep' | 'monitor' | 'api', value: unknown) =>
    value === undefined ? null : connection(contract.system, part, value, timeoutMs, problems)
  const ofrep = connect('ofrep', options?.ofrep)
  const monitor = connect('monitor', options?.monitor)
  const api = connect('api', options && 'api' in options ? options.api : undefined)
  if (!options || !ofrep || problems.length > 0) return { target: null, problems }
  return { target: { system: contract.system, options, ofrep, monitor, api, actions }, problems }
}

/** @throws ContractError that lists every problem with its key. */
export function flagsTarget(contract: Contract, environment: Environment): FlagsTarget {
  const { target, problems } = compileFlagsContract(contract, environment)
  if (target) return target
  throw unfit(contract, 'flags', problems)
}

/** Address, credentials and limits are the http adapter's, so that one set of guards holds for both. */
function connection(
  system: string,
  part: string,
  value: unknown,
  timeoutMs: number,
  problems: Problems,
): HttpTarget | null {
  const shell = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: '-', contact: '-' },
    success: '-',
    adapter: { ...(value as object), kind: 'http' },
    // Only its time-out counts: a connection must not take longer than the shortest call.
    actions: {
      call: {
        undo: { method: 'POST', path: '/' },
        probe: { path: '/', status: [404] },
        timeout: `${timeoutMs}ms`,
      },
    },
  })
  const compiled = compileHttpContract(shell, {})
  for (const problem of compiled.problems)
    problems.push({ ...problem, key: ['adapter', part, ...problem.key.slice(1)] })
  return compiled.target
}

function compileAction(name: string, action: ActionContract, problems: Problems): FlagsAction | null {
  const key = ['actions', name]
  if (action.reversibility === 'irreversible') {
    if (action.undo !== undefined)
      problems.push({
        key: [...key, 'undo'],
        message: 'the action is declared irreversible; take the undo out, or declare it reversible',
      })
    return null
  }
  if (action.probe === undefined) {
    problems.push({
      key: [...key, 'probe'],
      message: 'missing: without an evaluation nothing proves the undo; name contexts and what they must get',
    })
    return null
  }
  const undo = take(flagsUndoSchema, action.undo ?? {}, [...key, 'undo'], problems)
  const probe = take(flagsProbeSchema, action.probe, [...key, 'probe'], problems)
  if (!undo || !probe) return null
  return { name, undo, probe, onConflict: action.onConflict, timeoutMs: action.timeout }
}

function stagingProblems(contract: Contract, options: FlagsAdapterOptions, action: FlagsAction): Problems {
  const { staging } = action.undo
  if (!staging) return []
  const key = ['actions', action.name, 'undo', 'staging']
  const problems: Problems = []
  const wrong = stageMakerOf(options.provider).problem(staging)
  if (wrong) problems.push({ key: [...key, wrong.key], message: wrong.message })
  if (staging.health && !options.monitor)
    problems.push({
      key: [...key, 'health'],
      message: 'adapter.monitor is missing: nobody to ask for health',
    })
  if (staging.health?.path.parts.some(part => 'placeholder' in part))
    problems.push({
      key: [...key, 'health', 'path'],
      message: 'expected a fixed path: health is not of one action',
    })
  const restMs = staging.stages.length * staging.bake
  if (restMs >= contract.deadline)
    problems.push({
      key: [...key, 'bake'],
      message: `${staging.stages.length} stages rest ${restMs} ms in all, and the contract's deadline is ${contract.deadline} ms: every rollback would escalate; raise the deadline`,
    })
  return problems
}
