import type { ActionContract, ConflictPolicy, Contract } from '@unwind/contracts'
import { type PartProblem, take, unfit } from '../../adapter/taking.js'
import { type Environment, expandVariables } from './environment.js'
import {
  type HttpAdapterOptions,
  type HttpProbe,
  type HttpUndo,
  httpAdapterSchema,
  httpProbeSchema,
  httpUndoSchema,
} from './options.js'

/** One action of the contract, compiled. */
export interface HttpAction {
  readonly name: string
  readonly undo: HttpUndo
  readonly probe: HttpProbe
  readonly onConflict: ConflictPolicy
  /** One call to the target, milliseconds. */
  readonly timeoutMs: number
}

/** A contract of kind "http", compiled once, at start. */
export interface HttpTarget {
  readonly system: string
  readonly options: HttpAdapterOptions
  /** Without the irreversible ones: those are never a step's to undo. */
  readonly actions: ReadonlyMap<string, HttpAction>
}

export type HttpContractProblem = PartProblem

/** @returns the compiled target, or every problem at once. */
export function compileHttpContract(
  contract: Contract,
  environment: Environment,
): { target: HttpTarget | null; problems: readonly HttpContractProblem[] } {
  const problems: HttpContractProblem[] = []
  const section = expandVariables(contract.adapter, environment, (key, message) =>
    problems.push({ key: ['adapter', ...key], message }),
  )
  // A value that is not filled in would only be reported a second time, as not being a URL.
  const options = problems.length === 0 ? take(httpAdapterSchema, section, ['adapter'], problems) : null
  if (options) problems.push(...hostProblems(options), ...tlsProblems(options))
  const actions = new Map<string, HttpAction>()
  for (const [name, action] of Object.entries(contract.actions)) {
    const compiled = compileAction(name, action, problems)
    if (compiled) actions.set(name, compiled)
  }
  return {
    target: options && problems.length === 0 ? { system: contract.system, options, actions } : null,
    problems,
  }
}

/** @throws ContractError that lists every problem with its key. */
export function httpTarget(contract: Contract, environment: Environment): HttpTarget {
  const { target, problems } = compileHttpContract(contract, environment)
  if (target) return target
  throw unfit(contract, 'http', problems)
}

function compileAction(
  name: string,
  action: ActionContract,
  problems: HttpContractProblem[],
): HttpAction | null {
  const key = ['actions', name]
  const say = (part: string, message: string) => problems.push({ key: [...key, part], message })
  if (action.reversibility === 'irreversible') {
    if (action.undo !== undefined)
      say('undo', 'the action is declared irreversible; take the undo out, or declare it compensatable')
    return null
  }
  if (action.undo === undefined)
    say('undo', `missing: say how the ${action.reversibility} action is undone (method, path, body)`)
  if (action.probe === undefined)
    say(
      'probe',
      'missing: without a read-back nothing proves the undo; give a GET with its path and what to expect',
    )
  if (action.undo === undefined || action.probe === undefined) return null
  const undo = take(httpUndoSchema, action.undo, [...key, 'undo'], problems)
  const probe = take(httpProbeSchema, action.probe, [...key, 'probe'], problems)
  if (!undo || !probe) return null
  if (probe.expect.length === 0 && probe.status.some(status => status < 300))
    say(
      'probe.expect',
      'an answer that is only "success" proves nothing; name a JSON pointer and its value, or a status such as [404]',
    )
  if (action.onConflict === 'merge')
    say('onConflict', 'an http undo cannot restore single fields; choose park, keep or force')
  if (action.onConflict === 'keep' && undo.expect.length === 0)
    say(
      'onConflict',
      '"keep" must be able to tell newer data from an undo that did not happen; name in undo.expect what the action left behind',
    )
  const double = undo.alreadyDone.find(status => undo.inProgress.includes(status))
  if (double !== undefined)
    say('undo.alreadyDone', `status ${double} also stands in undo.inProgress; it can mean only one of them`)
  return { name, undo, probe, onConflict: action.onConflict, timeoutMs: action.timeout }
}

export function hostProblems(options: HttpAdapterOptions): HttpContractProblem[] {
  const problems: HttpContractProblem[] = []
  const allowed = new Set((options.allow ?? [options.baseUrl.host]).map(entry => entry.toLowerCase()))
  const check = (url: URL, key: readonly string[]) => {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    const names = [url.host, `${url.hostname}:${port}`, ...(url.port === '' ? [url.hostname] : [])]
    if (!names.some(name => allowed.has(name)))
      problems.push({
        key,
        message: `host ${url.hostname}:${port} is not allowed; adapter.allow has ${[...allowed].join(', ')}`,
      })
  }
  check(options.baseUrl, ['adapter', 'baseUrl'])
  if (options.oauth2) check(options.oauth2.tokenUrl, ['adapter', 'oauth2', 'tokenUrl'])
  if (options.health?.parts.some(part => 'placeholder' in part))
    problems.push({ key: ['adapter', 'health'], message: 'expected a fixed path: no action gives it data' })
  const authorization = Object.keys(options.headers).some(name => name.toLowerCase() === 'authorization')
  if (options.oauth2 && authorization)
    problems.push({
      key: ['adapter', 'headers', 'Authorization'],
      message: 'oauth2 sets this header; remove one of the two',
    })
  return problems
}

export function tlsProblems({ tls, baseUrl }: HttpAdapterOptions): HttpContractProblem[] {
  if (!tls) return []
  if (baseUrl.protocol !== 'https:')
    return [{ key: ['adapter', 'tls'], message: 'baseUrl is http://, so no certificate would ever be shown' }]
  const pair = (tls.certFile === undefined) === (tls.keyFile === undefined)
  return pair
    ? []
    : [{ key: ['adapter', 'tls'], message: 'a client certificate needs both certFile and keyFile' }]
}
