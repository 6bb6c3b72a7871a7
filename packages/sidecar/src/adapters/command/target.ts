import type { ActionContract, ConflictPolicy, Contract } from '@unwind/contracts'
import { ContractError } from '../../adapter/port.js'
import { take } from '../../adapter/taking.js'
import { type Environment, expandVariables } from '../http/environment.js'
import type { Template } from '../http/template.js'
import {
  type CommandAdapterOptions,
  type CommandProbe,
  type CommandSpec,
  type CommandUndo,
  commandAdapterSchema,
  commandProbeSchema,
  commandUndoSchema,
} from './options.js'

/** One action of the contract, compiled. */
export interface CommandAction {
  readonly name: string
  readonly undo: CommandUndo
  readonly probe: CommandProbe
  /** Where the undo restores a snapshot: its name, and the command that saves the present state first. */
  readonly snapshot: { readonly name: Template; readonly create: CommandSpec } | null
  readonly onConflict: ConflictPolicy
  /** One call, milliseconds. */
  readonly timeoutMs: number
}

/** A contract of kind "command" or "snapshot", compiled once, at start. */
export interface CommandTarget {
  readonly system: string
  readonly options: CommandAdapterOptions
  /** Without the irreversible ones: those are never a step's to undo. */
  readonly actions: ReadonlyMap<string, CommandAction>
}

export interface CommandContractProblem {
  /** Key path inside the contract, e.g. ["actions", "entry.posted", "probe", "run"]. */
  readonly key: readonly (string | number)[]
  readonly message: string
}

export type Say = (part: string, message: string) => void

export type CompileAction = (
  name: string,
  action: ActionContract & { readonly undo: unknown; readonly probe: unknown },
  problems: CommandContractProblem[],
  say: Say,
) => CommandAction | null

/** @returns the compiled target, or every problem at once. A missing probe is one: nothing would prove the undo. */
export function compileCommandContract(contract: Contract, environment: Environment) {
  return compileWith(contract, environment, commandAdapterSchema, compileAction)
}

export interface Compiled {
  readonly target: CommandTarget | null
  readonly problems: readonly CommandContractProblem[]
}

/** What contracts of kinds that run programs have in common. */
export function compileWith(
  contract: Contract,
  environment: Environment,
  schema: Parameters<typeof take<CommandAdapterOptions>>[0],
  compile: CompileAction,
): Compiled {
  const problems: CommandContractProblem[] = []
  const section = expandVariables(contract.adapter, environment, (key, message) =>
    problems.push({ key: ['adapter', ...key], message }),
  )
  const options = problems.length === 0 ? take(schema, section, ['adapter'], problems) : null
  if (options) problems.push(...repeatedVariables(options))
  const actions = new Map<string, CommandAction>()
  for (const [name, action] of Object.entries(contract.actions)) {
    const say: Say = (part, message) => problems.push({ key: ['actions', name, ...part.split('.')], message })
    const { undo, probe } = action
    if (action.reversibility === 'irreversible') {
      if (undo !== undefined)
        say('undo', 'the action is declared irreversible; take the undo out, or declare it compensatable')
      continue
    }
    if (undo === undefined) say('undo', `missing: say how the ${action.reversibility} action is undone`)
    if (probe === undefined)
      say(
        'probe',
        'missing: what a program says of itself proves nothing; name a command that reads the state back',
      )
    if (undo === undefined || probe === undefined) continue
    const compiled = compile(name, { ...action, undo, probe }, problems, say)
    if (compiled) actions.set(name, compiled)
  }
  const target = options && problems.length === 0 ? { system: contract.system, options, actions } : null
  return { target, problems }
}

/** @throws ContractError that lists every problem with its key. */
export function targetOf(contract: Contract, { target, problems }: Compiled): CommandTarget {
  if (target) return target
  const lines = problems.map(problem => `  ${problem.key.join('.')}: ${problem.message}`)
  throw new ContractError(
    `contract ${contract.system} ${contract.version} does not fit the ${contract.adapter.kind} adapter:\n${lines.join('\n')}`,
  )
}

const compileAction: CompileAction = (name, action, problems, say) => {
  const undo = take(commandUndoSchema, action.undo, ['actions', name, 'undo'], problems)
  const probe = take(commandProbeSchema, action.probe, ['actions', name, 'probe'], problems)
  if (!undo || !probe) return null
  checkProbe(probe, say)
  if (sameCall(undo, probe)) say('probe', 'is the undo itself; name a command that only reads')
  checkPolicy(action.onConflict, undo.expect.length > 0, say)
  return { name, undo, probe, snapshot: null, onConflict: action.onConflict, timeoutMs: action.timeout }
}

/** A probe must be able to say both "restored" and "not restored". */
export function checkProbe(probe: CommandProbe, say: Say): void {
  const meanings = new Set(probe.exits.values())
  if (meanings.has('read') && probe.expect.length === 0)
    say(
      'probe.expect',
      'a program that ends well proves nothing; name what it prints (a JSON pointer and its value), or exits for "restored" and "open"',
    )
  if (!meanings.has('read') && !(meanings.has('restored') && meanings.has('open')))
    say('probe.exits', 'name an exit status for "restored" and one for "open", or one for "read" with expect')
}

export function checkPolicy(policy: ConflictPolicy, knowsWhatWasLeft: boolean, say: Say): void {
  if (policy === 'merge')
    say('onConflict', 'a program restores its item as a whole, not single fields; choose park, keep or force')
  if (policy === 'keep' && !knowsWhatWasLeft)
    say(
      'onConflict',
      '"keep" must be able to tell newer data from an undo that did not happen; name in undo.expect what the action left behind',
    )
}

function sameCall(a: CommandSpec, b: CommandSpec): boolean {
  const textOf = ({ run, words, arguments: args }: CommandSpec) =>
    JSON.stringify([run, words, args.map(arg => arg.template.source)])
  return textOf(a) === textOf(b)
}

function repeatedVariables({ environment }: CommandAdapterOptions): CommandContractProblem[] {
  const names = [...environment.pass, ...Object.keys(environment.set), ...Object.keys(environment.secrets)]
  return names
    .filter((name, i) => names.indexOf(name) !== i)
    .map(name => ({
      key: ['adapter', 'environment'],
      message: `${name} is given more than once; name it in one of pass, set and secrets`,
    }))
}
