import { readFileSync } from 'node:fs'
import type { ActionContract, ConflictPolicy, Contract } from '@unwind/contracts'
import type { KafkajsOptions } from '@unwind/runtime'
import { ContractError } from '../../adapter/port.js'
import { type PartProblem, take, unfit } from '../../adapter/taking.js'
import { type KafkaAdapterOptions, type KafkaUndo, kafkaAdapterSchema, kafkaUndoSchema } from './options.js'

/** One action of the contract, compiled. */
export interface KafkaAction {
  readonly name: string
  readonly onConflict: ConflictPolicy
  readonly undo: KafkaUndo
  /** CloudEvents type of its reversing record. */
  readonly type: string
}

/** A contract of kind "kafka", compiled once, at start. */
export interface KafkaTarget {
  readonly system: string
  readonly options: KafkaAdapterOptions
  /** Without the irreversible ones: those are never a step's to undo. */
  readonly actions: ReadonlyMap<string, KafkaAction>
  /** Every topic that is written or read, sorted. */
  readonly topics: readonly string[]
}

export type KafkaContractProblem = PartProblem

/** @returns the compiled target, or every problem at once. */
export function compileKafkaContract(contract: Contract): {
  target: KafkaTarget | null
  problems: readonly KafkaContractProblem[]
} {
  const problems: KafkaContractProblem[] = []
  const options = take(kafkaAdapterSchema, contract.adapter, ['adapter'], problems)
  const actions = new Map<string, KafkaAction>()
  for (const [name, action] of Object.entries(contract.actions)) {
    const compiled = compileAction(name, action, problems)
    if (compiled) actions.set(name, compiled)
  }
  if (!options || problems.length > 0) return { target: null, problems }
  const named = [...actions.values()].map(action => action.undo.topic)
  const topics = [...new Set([...named, ...(options.claims === undefined ? [] : [options.claims])])].sort()
  return { target: { system: contract.system, options, actions, topics }, problems }
}

/** @throws ContractError that lists every problem with its key. */
export function kafkaTarget(contract: Contract): KafkaTarget {
  const { target, problems } = compileKafkaContract(contract)
  if (target) return target
  throw unfit(contract, 'kafka', problems)
}

function compileAction(
  name: string,
  action: ActionContract,
  problems: KafkaContractProblem[],
): KafkaAction | null {
  const say = (part: string, message: string) => problems.push({ key: ['actions', name, part], message })
  if (action.reversibility === 'irreversible') {
    if (action.undo !== undefined)
      say('undo', 'the action is declared irreversible; take the undo out, or declare it compensatable')
    return null
  }
  if (action.probe !== undefined)
    say('probe', 'the kafka adapter reads the topic back by itself; take the probe out')
  if (action.undo === undefined) {
    say('undo', `missing: say which record undoes the ${action.reversibility} action (topic, key, value)`)
    return null
  }
  const undo = take(kafkaUndoSchema, action.undo, ['actions', name, 'undo'], problems)
  if (!undo) return null
  if (undo.replaces === undefined && action.onConflict !== 'park')
    say(
      'onConflict',
      'a reversing event stands beside what came before it, so there is no conflict; say undo.replaces for a topic that keeps the newest record of a key, or park',
    )
  return { name, undo, onConflict: action.onConflict, type: undo.type ?? `${name}.reversed` }
}

/** @throws ContractError naming a certificate file that cannot be read. */
export function connectionOf({ system, options }: KafkaTarget): Omit<KafkajsOptions, 'logger'> {
  const { brokers, ssl, sasl, timeout } = options
  return {
    brokers,
    clientId: `unwind-sidecar-${system}-target`,
    requestTimeoutMs: timeout,
    connectTimeoutMs: Math.min(timeout, 3_000),
    ...(sasl ? { sasl } : {}),
    ...(ssl === false ? {} : { ssl: ssl === true ? true : certificates(ssl) }),
  }
}

function certificates(files: {
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}) {
  const read = (name: 'ca' | 'cert' | 'key', file: string | undefined) => {
    if (file === undefined) return {}
    try {
      return { [name]: readFileSync(file) }
    } catch (error) {
      throw new ContractError(
        `adapter.ssl.${name}File: cannot read ${file} (${(error as NodeJS.ErrnoException).code}); give the sidecar a file that it may read`,
      )
    }
  }
  return { ...read('ca', files.caFile), ...read('cert', files.certFile), ...read('key', files.keyFile) }
}
