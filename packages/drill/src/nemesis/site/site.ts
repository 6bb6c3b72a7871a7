import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ApiClient, createApiClient } from '@unwind/client'
import { FAILPOINTS_VARIABLE, NODE_FLAGS } from '@unwind/runtime'
import type { LoadedContract } from '@unwind/sidecar'
import { LedgerEyes } from '../check/ledger-eyes.js'
import { Child } from './child.js'
import type { ClientSetup } from './client-process.js'
import { orderBook, paymentApi } from './contracts.js'
import { Courier } from './courier.js'
import { type Endpoints, type Ground, layGround } from './ground.js'
import { OrderBook } from './order-book.js'
import { PaymentApi } from './payment-api.js'
import { waitFor } from './wait.js'

const BIN = fileURLToPath(new URL('../../../../cli/bin/unwind.mjs', import.meta.url))
// From the build, also where tests run this file from its source.
const CLIENT = fileURLToPath(new URL('../../../dist/nemesis/site/client-process.js', import.meta.url))

/** Two systems that an order touches: money goes back before the order disappears. */
export interface Branch {
  readonly book: OrderBook
  readonly payments: PaymentApi
}

export interface SiteOptions {
  /** What the processes are pointed at, e.g. through a proxy. */
  readonly endpoints: Endpoints
  /** Brokers as the checks reach them: never through a proxy. Default: the processes'. */
  readonly eyes?: readonly string[]
  /** Makes an empty database and says where it is. */
  createDatabase(name: string): Promise<string>
  /** Unique on these servers; also the topics' prefix. */
  readonly name: string
  readonly folder: string
  readonly branches: number
  /** How long a killed or stopped process keeps its partitions, ms. */
  readonly sessionMs: number
  readonly partitions?: number
  /** For the tables of the order books, e.g. "TABLESPACE small". */
  readonly tables?: string
}

export interface ProcessOptions {
  /** Of UNWIND_FAILPOINTS. */
  readonly failpoints?: string
  /** Name that outlives the process within its group. */
  readonly instanceId?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A small company in its own processes on real servers, with eyes on its ledger. */
export class Site {
  readonly courier = new Courier()
  readonly #children: Child[] = []
  readonly #apis = new Map<Child, ApiClient>()
  /** Nothing may stay behind, however the run ends. */
  readonly #onExit = () => {
    for (const child of this.#children) child.signal('SIGKILL')
  }

  private constructor(
    readonly options: SiteOptions,
    readonly ground: Ground,
    readonly branches: readonly Branch[],
    readonly contracts: ReadonlyMap<string, LoadedContract>,
    readonly eyes: LedgerEyes,
  ) {
    process.once('exit', this.#onExit)
  }

  static async open(options: SiteOptions): Promise<Site> {
    const numbers = Array.from({ length: options.branches }, (_, i) => i + 1)
    const names = numbers.flatMap(n => [`orders-${n}`, `payments-${n}`])
    const ground = await layGround(
      { ...options.endpoints, brokers: options.eyes ?? options.endpoints.brokers },
      options.name,
      options.folder,
      names,
      options.partitions ?? 6,
    )
    const contracts = new Map<string, LoadedContract>()
    const branches: Branch[] = []
    for (const n of numbers) {
      const url = await options.createDatabase(`${options.name}_orders_${n}`)
      const book = await OrderBook.open(`orders-${n}`, url, options.tables)
      const payments = await PaymentApi.start(`payments-${n}`)
      contracts.set(book.system, orderBook(book.system, url))
      contracts.set(payments.system, paymentApi(payments.system, payments.url, [book.system]))
      branches.push({ book, payments })
    }
    for (const [system, { document }] of contracts)
      writeFileSync(join(ground.folder, `${system}.yaml`), document)
    const eyes = new LedgerEyes(options.eyes ?? options.endpoints.brokers, ground.topics, ground.registry)
    await eyes.start()
    return new Site(options, ground, branches, contracts, eyes)
  }

  get systems(): readonly string[] {
    return [...this.contracts.keys()]
  }

  /** Processes that live, of any kind. */
  get running(): readonly Child[] {
    return this.#children.filter(child => child.running)
  }

  sidecar(system: string, options: ProcessOptions = {}): Child {
    const { ground } = this
    const contract = join(ground.folder, `${system}.yaml`)
    return this.#unwind(
      system,
      ['sidecar', '--contract', contract, '--key', ground.keyFile(`sidecar:${system}`)],
      options,
    )
  }

  /** Its API is asked by `api` from when it is served until the process ends. */
  coordinator(options: ProcessOptions = {}): Child {
    const { ground } = this
    const child = this.#unwind(
      'coordinator',
      ['coordinator', '--key', ground.keyFile('coordinator:one'), '--port', '0'],
      options,
    )
    child.said('"url":"http', 60_000).then(
      line => {
        this.#apis.set(child, createApiClient({ url: urlIn(line), timeoutMs: 5_000 }))
      },
      () => undefined,
    )
    void child.ended.then(() => this.#apis.delete(child))
    return child
  }

  client(options: ProcessOptions = {}): Child {
    const { brokers, registryUrl } = this.options.endpoints
    const { prefix } = this.ground
    const setup: ClientSetup = { brokers, registryUrl, prefix, keyFile: this.ground.keyFile('service:shop') }
    return this.#start('client', [CLIENT, JSON.stringify(setup)], options, true)
  }

  /** Any coordinator that serves its API now; null: none does. */
  get api(): ApiClient | null {
    return this.#apis.values().next().value ?? null
  }

  /** A coordinator knows the contract of every system: before that, what a system did would be surfaced, not undone. */
  async known(timeoutMs = 180_000): Promise<void> {
    const missing = async () => {
      const views = await this.api?.systems().catch(() => [])
      const names = new Set(views?.map(view => view.system))
      return this.systems.filter(system => !names.has(system))
    }
    await waitFor('the contracts of all systems', async () => (await missing()).length === 0, timeoutMs)
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map(child => child.kill()))
    process.off('exit', this.#onExit)
    await this.eyes.stop()
    for (const { book, payments } of this.branches) await Promise.all([book.close(), payments.close()])
  }

  #unwind(name: string, args: readonly string[], options: ProcessOptions): Child {
    return this.#start(name, [BIN, ...args], options, false)
  }

  #start(name: string, args: readonly string[], options: ProcessOptions, ipc: boolean): Child {
    const { endpoints, sessionMs } = this.options
    const { ground } = this
    const { PATH, HOME } = process.env
    const child = new Child(name, process.execPath, [...NODE_FLAGS, ...args], {
      cwd: ground.folder,
      stdio: ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        HOME,
        KAFKA_BROKERS: endpoints.brokers.join(','),
        SCHEMA_REGISTRY_URL: endpoints.registryUrl,
        REDIS_URL: endpoints.redisUrl,
        UNWIND_TOPICS_PREFIX: ground.prefix,
        UNWIND_SIGNING_TRUST_FILE: ground.trustFile,
        UNWIND_KAFKA_SESSION_TIMEOUT_MS: String(sessionMs),
        UNWIND_POLICY_FILE: ground.policyFiles.free,
        UNWIND_API_APPROVER_KEY_FILE: ground.keyFile('user:ben'),
        UNWIND_WATCH_ABSENT_AFTER_MS: '1000',
        ...(options.failpoints ? { [FAILPOINTS_VARIABLE]: options.failpoints } : {}),
        ...(options.instanceId ? { UNWIND_KAFKA_INSTANCE_ID: options.instanceId } : {}),
        ...options.env,
      },
    })
    this.#children.push(child)
    void child.ended.then(() => this.#children.splice(this.#children.indexOf(child), 1))
    return child
  }
}

export const READY = {
  sidecar: 'sidecar is following the ledger',
  coordinator: 'the API is served',
} as const

function urlIn(line: string): string {
  return (JSON.parse(line) as { url: string }).url
}
