/**
 * A database of its own for each test file, an application that knows nothing of Unwind, and the adapter beside it.
 */
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Contract, contractSchema } from '../../../packages/contracts/src/index.js'
import type { Adapter, AdapterContext } from '../../../packages/sidecar/src/adapter/port.js'
import {
  createMysqlAdapter,
  type InstallReport,
  installCapture,
  type MysqlSession,
  openSession,
  parseMysqlOptions,
} from '../../../packages/sidecar/src/adapters/mysql/index.js'
import { MariaClient, type MariaRow, mariadbUrl, onceMaria } from '../../support/mariadb.js'
import { SYSTEM } from '../../support/steps.js'

export interface Bench {
  readonly url: () => string
  /** Names of the database and of its capture. */
  readonly database: string
  readonly capture: string
  /** One statement on the owner's connection. */
  sql(text: string, values?: readonly unknown[]): Promise<MariaRow[]>
  /** A connection of its own, closed after the test. */
  connect(): Promise<MariaClient>
  session(): Promise<MysqlSession>
  /** A forward transaction under a correlation ID: `statements` in one transaction, over a connection of its own. */
  forward(correlationId: string, ...statements: string[]): Promise<void>
  /** Installs the capture for these tables and starts an adapter; stopped after the test. */
  adapter(tables: Record<string, object>, more?: AdapterExtras): Promise<Adapter>
  install(tables: Record<string, object>, more?: AdapterExtras): Promise<InstallReport>
  make(tables: Record<string, object>, more?: AdapterExtras): Adapter
}

export interface AdapterExtras {
  readonly adapter?: object
  readonly capture?: object
  readonly actions?: Record<string, object>
  readonly failpoint?: (name: string) => Promise<void>
  readonly system?: string
}

export function contractFor(url: string, tables: Record<string, object>, more: AdapterExtras = {}): Contract {
  return contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: more.system ?? SYSTEM,
    version: '1.0.0',
    owner: { team: 'orders', contact: 'orders@example.org' },
    success: 'The rows are as they were.',
    adapter: { kind: 'mysql', url, capture: { tables, ...more.capture }, ...more.adapter },
    actions: more.actions ?? { changed: {} },
  })
}

let count = 0

/** Registers hooks; call once at the top of a spec. */
export function bench(name: string): Bench {
  const database = `${name}_${process.pid}_${count++}`
  const capture = `${database}_unwind`
  const open: { end(): Promise<void> }[] = []
  let admin = ''
  let url = ''
  let owner: MariaClient

  beforeAll(async () => {
    admin = await mariadbUrl()
    await onceMaria(admin, `CREATE DATABASE ${database}`)
    const target = new URL(admin)
    target.pathname = `/${database}`
    url = target.href
    owner = await MariaClient.connect(url)
  })
  afterEach(async () => {
    for (const item of open.splice(0).reverse()) await item.end()
  })
  afterAll(async () => {
    await owner?.end()
    await onceMaria(admin, `DROP DATABASE IF EXISTS ${database}; DROP DATABASE IF EXISTS ${capture}`)
  })

  const connect = async () => {
    const client = await MariaClient.connect(url)
    open.push(client)
    return client
  }
  const session = async () => {
    const opened = await openSession({ url })
    open.push(opened)
    return opened
  }
  const make = (tables: Record<string, object>, more: AdapterExtras = {}): Adapter => {
    const contract = contractFor(url, tables, more)
    const quiet = () => undefined
    const context: AdapterContext = {
      contract,
      actionContract: action => contract.actions[action],
      log: { info: quiet, warn: quiet, error: quiet },
      failpoint: more.failpoint ?? (async () => undefined),
    }
    const adapter = createMysqlAdapter(context)
    open.push({ end: () => adapter.stop() })
    return adapter
  }
  const install = async (tables: Record<string, object>, more: AdapterExtras = {}) => {
    const contract = contractFor(url, tables, more)
    return installCapture(await session(), parseMysqlOptions(contract), contract.system)
  }
  return {
    url: () => url,
    database,
    capture,
    sql: (text, values) => owner.sql(text, values),
    connect,
    session,
    forward: async (correlationId, ...statements) => {
      const client = await MariaClient.connect(url)
      try {
        await client.transaction(correlationId, ...statements)
      } finally {
        await client.end()
      }
    },
    make,
    install,
    adapter: async (tables, more = {}) => {
      await install(tables, more)
      const adapter = make(tables, more)
      await adapter.start()
      return adapter
    },
  }
}
