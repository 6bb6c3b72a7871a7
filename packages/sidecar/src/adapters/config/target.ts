import type { ActionContract, ConflictPolicy, Contract } from '@unwind/contracts'
import { take, unfit } from '../../adapter/taking.js'
import { type Environment, expandVariables } from '../http/environment.js'
import { parsePointer } from '../http/pointer.js'
import { hostProblems, tlsProblems } from '../http/target.js'
import {
  type ConfigUndo,
  configUndoSchema,
  type FilesOptions,
  filesSchema,
  type ServiceOptions,
  serviceSchema,
} from './options.js'

export interface ConfigAction {
  readonly name: string
  readonly undo: ConfigUndo
  readonly onConflict: ConflictPolicy
  /** One call to a service, milliseconds. */
  readonly timeoutMs: number
}

/** A contract of kind "config", compiled once, at start. */
export interface ConfigTarget {
  readonly system: string
  readonly options: FilesOptions | ServiceOptions
  /** Without the irreversible ones: those are never a step's to undo. */
  readonly actions: ReadonlyMap<string, ConfigAction>
}

export interface ConfigContractProblem {
  /** Key path inside the contract, e.g. ["actions", "config.changed", "undo", "left"]. */
  readonly key: readonly (string | number)[]
  readonly message: string
}

/** @returns the compiled target, or every problem at once. */
export function compileConfigContract(
  contract: Contract,
  environment: Environment,
): { target: ConfigTarget | null; problems: readonly ConfigContractProblem[] } {
  const problems: ConfigContractProblem[] = []
  const section = expandVariables(contract.adapter, environment, (key, message) =>
    problems.push({ key: ['adapter', ...key], message }),
  )
  const options = problems.length === 0 ? optionsOf(section, problems) : null
  const actions = new Map<string, ConfigAction>()
  for (const [name, action] of Object.entries(contract.actions)) {
    const compiled = compileAction(name, action, contract.adapter.store === 'http', problems)
    if (compiled) actions.set(name, compiled)
  }
  const target = options && problems.length === 0 ? { system: contract.system, options, actions } : null
  return { target, problems }
}

/** @throws ContractError that lists every problem with its key. */
export function configTarget(contract: Contract, environment: Environment): ConfigTarget {
  const { target, problems } = compileConfigContract(contract, environment)
  if (target) return target
  throw unfit(contract, 'config', problems)
}

function optionsOf(
  section: unknown,
  problems: ConfigContractProblem[],
): FilesOptions | ServiceOptions | null {
  switch ((section as { store?: unknown }).store) {
    case 'files':
      return take(filesSchema, section, ['adapter'], problems)
    case 'http': {
      const options = take(serviceSchema, section, ['adapter'], problems)
      const connection = options && { ...options, kind: 'http' as const }
      if (connection) problems.push(...hostProblems(connection), ...tlsProblems(connection))
      return options
    }
    default:
      problems.push({
        key: ['adapter', 'store'],
        message: 'expected "files" or "http": where the configuration lies',
      })
      return null
  }
}

function compileAction(
  name: string,
  { undo, probe, reversibility, onConflict, timeout }: ActionContract,
  isService: boolean,
  problems: ConfigContractProblem[],
): ConfigAction | null {
  const say = (part: string, message: string) =>
    problems.push({ key: ['actions', name, ...part.split('.')], message })
  if (reversibility === 'irreversible') {
    if (undo !== undefined)
      say('undo', 'the action is declared irreversible; take the undo out, or declare it compensatable')
    return null
  }
  if (probe !== undefined) say('probe', 'this adapter reads the document back by itself; take the probe out')
  if (undo === undefined) {
    say('undo', 'missing: say what was changed (at), and where its previous and its left version are')
    return null
  }
  const compiled = take(configUndoSchema, undo, ['actions', name, 'undo'], problems)
  if (!compiled) return null
  const { format, configMap, write, document, previous, left } = compiled
  if ((format === 'configMap') !== (configMap !== undefined))
    say('undo.configMap', 'format "configMap" and the name of the ConfigMap go together')
  if (isService) checkService(compiled, say)
  else if (write !== undefined || document !== '')
    say('undo.write', 'files are written in place; "write" and "document" are for store "http"')
  if (parsePointer(document) === null) say('undo.document', 'expected a JSON pointer such as "/value"')
  if ('at' in previous !== 'at' in left)
    say('undo.left', 'give both versions by their place (at), or both by their values')
  if (format === 'text' && 'values' in previous)
    say('undo.previous', 'format "text" has no keys; give the versions by their place (at)')
  if (format === 'text' && onConflict === 'merge')
    say('onConflict', 'format "text" has no keys to merge; choose park, keep or force')
  return { name, undo: compiled, onConflict, timeoutMs: timeout }
}

function checkService(
  { format, at, write, previous, left }: ConfigUndo,
  say: (part: string, message: string) => void,
) {
  if (format !== undefined && format !== 'json') say('undo.format', 'documents of a service are JSON')
  const paths = [
    ['undo.at', at],
    ['undo.write.at', write?.at],
    ['undo.previous.at', 'at' in previous ? previous.at : undefined],
    ['undo.left.at', 'at' in left ? left.at : undefined],
  ] as const
  for (const [part, path] of paths)
    if (path && (!/^\/(?!\/)[^\\#\s]*$/.test(path.source) || /(^|\/)\.{1,2}($|[/?])/.test(path.source)))
      say(part, 'expected a path below baseUrl that begins with one "/", without "." and ".." segments')
}
