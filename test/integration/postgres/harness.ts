/**
 * A database of its own for each test file, an application role that knows nothing of Unwind, and the adapter beside it.
 */

import pg from 'pg'
import { afterAll, afterEach, beforeAll, inject } from 'vitest'
import { type Contract, contractSchema } from '../../../packages/contracts/src/index.js'
import type { Adapter, AdapterContext } from '../../../packages/sidecar/src/adapter/port.js'
import { createPostgresAdapter } from '../../../packages/sidecar/src/adapters/postgres/adapter.js'
import {
  type InstallReport,
  installCapture,
} from '../../../packages/sidecar/src/adapters/postgres/capture/install.js'
import { parseOptions } from '../../../packages/sidecar/src/adapters/postgres/options.js'
import { SYSTEM } from '../../support/steps.js'

/** Rows of pg come as they are compared in tests: numbers that are safe as numbers would hide a wrong type, so texts stay. */
export type Row = Record<string, unknown>

export interface Bench {
  readonly url: () => string
  /** One statement on the owner's connection. */
  sql(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** A connection of its own, closed after the test. */
  connect(): Promise<pg.Client>
  /** A forward transaction under a correlation ID: `statements` in one transaction. */
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
    adapter: { kind: 'postgres', url, capture: { tables, ...more.capture }, ...more.adapter },
    actions: more.actions ?? { changed: {} },
  })
}

let count = 0

/** Registers hooks; call once at the top of a spec. `setUp` is SQL run before the first test and, with `reset`, before each. */
export function bench(name: string): Bench {
  const admin = inject('stack').databaseUrl
  const database = `${name}_${process.pid}_${count++}`
  const target = new URL(admin)
  target.pathname = `/${database}`
  const url = target.href
  const open: { end(): Promise<void> }[] = []
  let owner: pg.Client

  beforeAll(async () => {
    await once(admin, `CREATE DATABASE ${database}`)
    owner = new pg.Client({ connectionString: url })
    await owner.connect()
  })
  afterEach(async () => {
    for (const item of open.splice(0).reverse()) await item.end()
  })
  afterAll(async () => {
    await owner?.end()
    await once(admin, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
  })

  const make = (tables: Record<string, object>, more: AdapterExtras = {}): Adapter => {
    const contract = contractFor(url, tables, more)
    const quiet = () => undefined
    const context: AdapterContext = {
      contract,
      actionContract: action => contract.actions[action],
      log: { info: quiet, warn: quiet, error: quiet },
      failpoint: more.failpoint ?? (async () => undefined),
    }
    const adapter = createPostgresAdapter(context)
    open.push({ end: () => adapter.stop() })
    return adapter
  }
  const install = async (tables: Record<string, object>, more: AdapterExtras = {}) => {
    const contract = contractFor(url, tables, more)
    return installCapture(owner, parseOptions(contract), contract.system)
  }
  return {
    url: () => url,
    sql: async (text, values) => (await owner.query(text, values as unknown[])).rows as Row[],
    connect: async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      open.push(client)
      return client
    },
    forward: async (correlationId, ...statements) => {
      await owner.query('BEGIN')
      try {
        await owner.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [correlationId])
        for (const statement of statements) await owner.query(statement)
        await owner.query('COMMIT')
      } catch (error) {
        await owner.query('ROLLBACK')
        throw error
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

async function once(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
