import { join, relative } from 'node:path'
import { type Client, createClient } from '@unwind/client'
import { type ApiClient, createApiClient } from '@unwind/client/api'
import {
  contractFile,
  createShop,
  type Services,
  SHOP_SYSTEMS,
  type Shop,
  startServices,
} from '@unwind/example-shop'
import { freePort } from '../../dev/free-port.js'
import type { Cli } from '../../shell/cli.js'
import { devStatePath, removeDevState, STATE_DIR, writeDevState } from '../../shell/dev-state.js'
import type { Screen } from '../text/screen.js'
import type { Closing } from './closing.js'
import { Effects } from './effects.js'
import { Fleet } from './fleet.js'
import { DEMO, type Ground, layGround } from './ground.js'
import { LedgerWatch } from './ledger-watch.js'
import { runVerb } from './verb.js'
import type { Patience } from './wait.js'

/** Everything that the scenes play with. */
export interface Stage {
  readonly screen: Screen
  readonly shop: Shop
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
  const logDir = join(cwd, STATE_DIR, DEMO, 'logs')
  const serverLogs = join(cwd, STATE_DIR, 'data', DEMO, 'logs')
  const accident = new AbortController()
  const onDeath = (error: Error) => accident.abort(error)
  const patience: Patience = {
    signal: AbortSignal.any([interrupted, accident.signal]),
    hint: `Logs: ${relative(cwd, logDir)} and ${relative(cwd, serverLogs)}`,
  }
  screen.scene('The stack', 'a fresh one, under a name of its own')
  const ground = await layGround(cli, screen, closing)
  const { state, stack } = ground
  const { client, services, shop } = await openShop(ground, seed, closing)

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
    log: ground.log,
    registryUrl: stack.registryUrl,
    topics: ground.topics,
    trustFile: state.trustFile,
    patience,
    onFatal: onDeath,
  })
  closing.add('the reader of the ledger', () => ledger.stop())
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  screen.note(`a coordinator and four sidecars, each a process of its own: ready after ${seconds} s`)
  screen.note(`logs in ${relative(cwd, logDir)}; from another terminal: npm run unwind -- --env ${DEMO} tail`)
  return {
    screen,
    shop,
    propose: (correlationId, reason) => client.propose({ correlationId, reason }),
    fleet,
    ledger,
    api: createApiClient({ url: apiUrl }),
    effects: new Effects(ground.databaseUrls, services),
    patience,
    unwind,
  }
}

interface OpenShop {
  readonly client: Client
  readonly services: Services
  readonly shop: Shop
}

/** The shop with its tables and its services; it records and proposes with a client of its own. */
async function openShop(ground: Ground, seed: number, closing: Closing): Promise<OpenShop> {
  const { stack, state, databaseUrls, folder } = ground
  const client = await createClient({
    brokers: stack.brokers,
    registryUrl: stack.registryUrl,
    system: 'shop',
    keyFile: state.keys['client:dev'] ?? '',
    topicPrefix: state.env.UNWIND_TOPICS_PREFIX ?? '',
  })
  closing.add("the shop's client", () => client.close())
  const services = await startServices({ folder: join(folder, 'shop'), recorder: client })
  closing.add("the shop's services", () => services.stop())
  const shop = createShop({
    databaseUrls,
    paymentsUrl: services.payments.url,
    loyaltyUrl: services.loyalty.url,
    recorder: client,
    seed,
  })
  closing.add('the shop', () => shop.close())
  await shop.setUp()
  return { client, services, shop }
}

/** What the shell has set for other environments must not steer the demo's processes. */
function withoutSettings(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('UNWIND_')))
}
