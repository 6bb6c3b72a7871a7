import { rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createClient } from '@unwind/client'
import { type ApiClient, createApiClient } from '@unwind/client/api'
import { topicNames, topicSpecifications } from '@unwind/contracts'
import {
  contractFile,
  createShop,
  type Services,
  SHOP_SYSTEMS,
  type Shop,
  startServices,
} from '@unwind/example-shop'
import { type Stack, startStack } from '@unwind/local-stack'
import { applySchemas, connectKafkajs, type EventLog } from '@unwind/runtime'
import { freePort } from '../../dev/free-port.js'
import { ensureDevKeys } from '../../dev/keys.js'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import {
  type DevState,
  devStatePath,
  removeDevState,
  STATE_DIR,
  writeDevState,
} from '../../shell/dev-state.js'
import { driverLog } from '../../shell/log.js'
import type { Screen } from '../text/screen.js'
import type { Closing } from './closing.js'
import { Effects } from './effects.js'
import { Fleet } from './fleet.js'
import { LedgerWatch } from './ledger-watch.js'
import { runVerb } from './verb.js'
import type { Patience } from './wait.js'

/** Name of the demo's own local environment: `unwind --env demo tail` finds it from another terminal. */
export const DEMO = 'demo'

/** Everything that the scenes play with. */
export interface Stage {
  readonly screen: Screen
  readonly shop: Shop
  readonly services: Services
  /** Proposes as a service of the shop does. */
  propose(correlationId: string, reason: string): Promise<{ readonly rollbackId: string }>
  readonly fleet: Fleet
  readonly ledger: LedgerWatch
  readonly api: ApiClient
  readonly effects: Effects
  readonly patience: Patience
  /** Types `unwind <words>` at this environment. @throws CliError with what it said when it fails. */
  unwind(words: readonly string[]): Promise<void>
}

/** Starts the stack, the shop and every process. What was opened is added to `closing` at once. */
export async function setStage(
  cli: Cli,
  screen: Screen,
  { seed }: { readonly seed: number },
  closing: Closing,
): Promise<Stage> {
  const { cwd, interrupted } = cli.io
  const folder = join(cwd, STATE_DIR, DEMO)
  const logDir = join(folder, 'logs')
  const accident = new AbortController()
  const onDeath = (error: Error) => accident.abort(error)
  const hint = `Logs: ${relative(cwd, logDir)} and ${relative(cwd, join(cwd, STATE_DIR, 'data', DEMO, 'logs'))}`
  const patience: Patience = { signal: AbortSignal.any([interrupted, accident.signal]), hint }

  screen.scene('The stack', 'a fresh one, under a name of its own')
  const stack = await startStack({
    stateDir: join(cwd, STATE_DIR),
    name: DEMO,
    fresh: true,
    say: line => screen.note(line),
    env: cli.io.env as NodeJS.ProcessEnv,
    signal: interrupted,
  })
  closing.add('the local stack', () => stack.stop())
  // Only now: the stack's name is ours, so no other demo writes there.
  rmSync(folder, { recursive: true, force: true })
  const state = devState(cwd, stack)
  const prefix = state.env.UNWIND_TOPICS_PREFIX ?? ''
  const topics = topicNames(prefix)
  const log = connectKafkajs({ brokers: stack.brokers, clientId: 'unwind-demo', logger: driverLog(cli) })
  closing.add('the connection to Kafka', () => log.close())
  const [urls, made] = await Promise.all([databases(stack), prepare(log, stack, prefix)])
  screen.note(
    `${made.topics} topics and ${made.schemas} schemas; keys that sign for 3 principals and 4 sidecars`,
  )

  const client = await createClient({
    brokers: stack.brokers,
    registryUrl: stack.registryUrl,
    system: 'shop',
    keyFile: keyOf(state, 'client:dev'),
    topicPrefix: prefix,
  })
  closing.add("the shop's client", () => client.close())
  const services = await startServices({ folder: join(folder, 'shop'), recorder: client })
  closing.add("the shop's services", () => services.stop())
  const shop = createShop({
    databaseUrls: urls,
    paymentsUrl: services.payments.url,
    loyaltyUrl: services.loyalty.url,
    recorder: client,
    seed,
  })
  closing.add('the shop', () => shop.close())
  await shop.setUp()

  const apiPort = await freePort(0)
  const apiUrl = `http://127.0.0.1:${apiPort}`
  const statePath = devStatePath(cwd, DEMO)
  closing.add('the state of the environment', () => removeDevState(statePath))
  writeDevState(statePath, { ...state, apiUrl })
  const env = { ...withoutSettings(cli.io.env), ...state.env, ...shop.environment(), UNWIND_ENV: DEMO }
  const unwind = (words: readonly string[]) => runVerb(cli.io, env, words)
  for (const system of ['orders', 'stock'] as const)
    await unwind(['capture', 'install', '--contract', contractFile(system)])
  screen.note('capture: triggers beside orders, order_lines and customers, and beside reservations')

  screen.progress('starting a coordinator and four sidecars …')
  const began = performance.now()
  const fleet = new Fleet({ cwd, logDir, env, patience, onDeath })
  closing.add('the coordinator and the sidecars', () => fleet.stopAll())
  await Promise.all([
    fleet.start('coordinator', ['coordinator', '--port', String(apiPort)], apiPort),
    ...SHOP_SYSTEMS.map(system => fleet.startSidecar(system, contractFile(system))),
  ])
  const ledger = await LedgerWatch.start({
    log,
    registryUrl: stack.registryUrl,
    topics,
    trustFile: state.trustFile,
    patience,
    onFatal: onDeath,
  })
  closing.add('the reader of the ledger', () => ledger.stop())
  screen.note(
    `a coordinator and four sidecars, each a process of its own: ready after ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
  screen.note(`logs in ${relative(cwd, logDir)}; from another terminal: npm run unwind -- --env ${DEMO} tail`)
  const effects = new Effects(urls, services)
  return {
    screen,
    shop,
    services,
    propose: (correlationId, reason) => client.propose({ correlationId, reason }),
    fleet,
    ledger,
    api: createApiClient({ url: apiUrl }),
    effects,
    patience,
    unwind,
  }
}

/** A server that is not ours keeps what earlier demos wrote: there each demo has topics of its own. */
function devState(cwd: string, stack: Stack): DevState {
  const prefix = stack.nodes.length > 0 ? 'unwind' : `unwind-demo-${Date.now().toString(36)}`
  const { keys, trustFile } = ensureDevKeys(join(cwd, STATE_DIR, 'keys', DEMO), SHOP_SYSTEMS)
  return {
    name: DEMO,
    pid: process.pid,
    startedAt: Date.now(),
    env: { ...stack.env, UNWIND_TOPICS_PREFIX: prefix },
    apiUrl: null,
    keys,
    trustFile,
  }
}

async function databases(stack: Stack): Promise<{ readonly orders: string; readonly stock: string }> {
  return {
    orders: await stack.createDatabase('demo_orders'),
    stock: await stack.createDatabase('demo_stock'),
  }
}

async function prepare(
  log: EventLog,
  stack: Stack,
  prefix: string,
): Promise<{ readonly topics: number; readonly schemas: number }> {
  const topics = topicNames(prefix)
  const admin = await log.admin()
  try {
    const [created, applied] = await Promise.all([
      admin.applyTopics(topicSpecifications(topics)),
      applySchemas({ url: stack.registryUrl }, topics),
    ])
    return { topics: created.length, schemas: applied.filter(schema => schema.added).length }
  } finally {
    await admin.close()
  }
}

function keyOf(state: DevState, principal: string): string {
  const file = state.keys[principal]
  if (file) return file
  throw new CliError(
    'failure',
    `There is no key for ${principal}.`,
    'Remove .unwind/keys/demo and start again.',
  )
}

/** What the shell has set for other environments must not steer the demo's processes. */
function withoutSettings(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('UNWIND_')))
}
