import { join } from 'node:path'
import { topicNames, topicSpecifications } from '@unwind/contracts'
import { type Stack, startStack } from '@unwind/local-stack'
import { applySchemas, connectKafkajs } from '@unwind/runtime'
import { loadContractFile } from '../../contract/load-contract.js'
import { type Child, startCoordinatorChild } from '../../dev/coordinator-child.js'
import { endpointsTable } from '../../dev/endpoints.js'
import { ensureDevKeys } from '../../dev/keys.js'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import {
  type DevState,
  devStatePath,
  readDevState,
  removeDevState,
  STATE_DIR,
  writeDevState,
} from '../../shell/dev-state.js'
import { driverLog } from '../../shell/log.js'

interface Options {
  readonly brokers: number
  readonly coordinator: boolean
  readonly name: string
  readonly system?: readonly string[]
  readonly contracts?: readonly string[]
  readonly apiPort: number
  readonly fresh?: boolean
}

/** Starts everything, says where it is, and holds it until Ctrl-C; then nothing of it is left running. */
export async function dev(cli: Cli, options: Options): Promise<void> {
  const { brokers, name } = options
  if (brokers !== 1 && brokers !== 3) throw new CliError('usage', 'A local Kafka has 1 or 3 brokers.')
  const statePath = devStatePath(cli.io.cwd, name)
  const other = readDevState(statePath)
  if (other)
    throw new CliError(
      'failure',
      `The local environment "${name}" runs already (process ${other.pid}).`,
      'Stop it with Ctrl-C there, or give this one another --name.',
    )
  const systems = [
    ...(options.system ?? []),
    ...(options.contracts ?? []).map(file => loadContractFile(cli, file).contract.system),
  ]
  const stack = await startStack({
    stateDir: join(cli.io.cwd, STATE_DIR),
    brokers,
    name,
    fresh: options.fresh === true,
    say: line => cli.say(line),
    env: cli.io.env as NodeJS.ProcessEnv,
    signal: cli.io.interrupted,
  })
  let coordinator: Child | null = null
  try {
    const prefix = cli.io.env.UNWIND_TOPICS_PREFIX ?? 'unwind'
    await prepare(cli, stack, prefix)
    const state = stateOf(cli, options, stack, prefix, systems)
    const startOne = (port: number) => startCoordinatorChild(cli, state, port)
    coordinator = options.coordinator ? await startOne(options.apiPort) : null
    const final: DevState = { ...state, apiUrl: coordinator?.apiUrl ?? null }
    writeDevState(statePath, final)
    cli.print(endpointsTable({ ...stack, apiUrl: final.apiUrl, stateFile: statePath }, cli.palette))
    cli.say(`Other verbs find it by themselves in this directory. Ctrl-C stops all of it.`)
    coordinator = await held(cli, coordinator, async () => {
      coordinator = await startOne(coordinator!.port)
      return coordinator
    })
  } finally {
    removeDevState(statePath)
    cli.say('Stopping …')
    await coordinator?.stop()
    await stack.stop()
    cli.say('Stopped; nothing was left running.')
  }
}

/** Topics and schemas: what every process expects to find. */
async function prepare(cli: Cli, stack: Stack, prefix: string): Promise<void> {
  const topics = topicNames(prefix)
  const log = connectKafkajs({ brokers: stack.brokers, clientId: 'unwind-dev', logger: driverLog(cli) })
  try {
    const admin = await log.admin()
    const created = await admin.applyTopics(topicSpecifications(topics))
    const applied = await applySchemas({ url: stack.registryUrl }, topics)
    const added = applied.filter(schema => schema.added).length
    cli.say(`topics: ${created.length} created; schemas: ${added} registered`)
  } finally {
    await log.close()
  }
}

function stateOf(
  cli: Cli,
  { name }: Options,
  stack: Stack,
  prefix: string,
  systems: readonly string[],
): DevState {
  const { keys, trustFile } = ensureDevKeys(join(cli.io.cwd, STATE_DIR, 'keys', name), systems)
  const env = { ...stack.env, UNWIND_TOPICS_PREFIX: prefix }
  return { name, pid: process.pid, startedAt: Date.now(), env, apiUrl: null, keys, trustFile }
}

/** Until Ctrl-C. A coordinator that ends is started again, as a supervisor would in production. */
async function held(cli: Cli, first: Child | null, again: () => Promise<Child>): Promise<Child | null> {
  const { interrupted } = cli.io
  const stopped = new Promise<null>(resolve => {
    interrupted.addEventListener('abort', () => resolve(null), { once: true })
    if (interrupted.aborted) resolve(null)
  })
  const ends: number[] = []
  for (let child = first; ; child = await again()) {
    const ended = await Promise.race([stopped, ...(child ? [child.died] : [])])
    if (ended === null || interrupted.aborted || child === null) return child
    ends.push(Date.now())
    const hint = `Its log: ${child.logFile}`
    if (ends.filter(at => at > Date.now() - RESTARTS.withinMs).length > RESTARTS.most)
      throw new CliError('failure', `The coordinator ended again and again (${ended}).`, hint)
    cli.warn(`the coordinator ended by itself (${ended}) and is started again. ${hint}`)
  }
}

/** More than so many ends within a minute are a defect that a restart does not mend. */
const RESTARTS = { most: 3, withinMs: 60_000 } as const
