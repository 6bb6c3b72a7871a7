import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Contract, parseContract } from '../../../packages/contracts/src/index.js'
import type { Adapter, StepWork } from '../../../packages/sidecar/src/adapter/port.js'
import { createSnapshotAdapter } from '../../../packages/sidecar/src/adapters/snapshot/index.js'
import { TestDatabase } from '../../support/database.js'

export const PG_SNAPSHOT = fileURLToPath(
  new URL('../../../examples/postgres-snapshot/bin/pg-snapshot', import.meta.url),
)
const CONTRACT = fileURLToPath(
  new URL('../../../examples/postgres-snapshot/contracts/catalogue.yaml', import.meta.url),
)
const run = promisify(execFile)

/** The client programs of PostgreSQL, at least as new as the server: without them nothing here can run. */
export const missingTools = ['psql', 'pg_dump', 'pg_restore'].filter(
  name => spawnSync(name, ['--version']).status !== 0,
)

interface State {
  readonly tables: Readonly<Record<string, string>>
  readonly digest: string
}

/** A catalogue in a database of its own, the job that rewrites it, and the folder of its snapshots. */
export class Catalogue {
  readonly folder = mkdtempSync(join(tmpdir(), 'unwind-snapshots-'))
  #scripts = 0

  private constructor(readonly database: TestDatabase) {
    const url = new URL(database.url)
    const fields = [url.hostname, url.port, '*', url.username, url.password].map(decodeURIComponent)
    writeFileSync(this.passwordFile, `${fields.join(':')}\n`, { mode: 0o600 })
  }

  static async create(adminUrl: string, name: string): Promise<Catalogue> {
    const database = await TestDatabase.create(
      adminUrl,
      name,
      'CREATE SCHEMA catalogue',
      'CREATE TABLE catalogue.product (id int PRIMARY KEY, name text NOT NULL, price numeric(12, 2) NOT NULL)',
      `CREATE TABLE catalogue.label (product int REFERENCES catalogue.product, label text, PRIMARY KEY (product, label))`,
      'CREATE VIEW catalogue.dear AS SELECT * FROM catalogue.product WHERE price > 50',
      `INSERT INTO catalogue.product SELECT i, 'product ' || i, i * 1.5 FROM generate_series(1, 100) i`,
      `INSERT INTO catalogue.label SELECT i, 'new' FROM generate_series(1, 100, 10) i`,
    )
    return new Catalogue(database)
  }

  get passwordFile(): string {
    return join(this.folder, '.pgpass')
  }

  /** The nightly job: takes a snapshot, rewrites everything, and records what its undo needs. */
  async rewrite(snapshot: string): Promise<Record<string, string>> {
    const before = await this.state()
    await this.#call(['create', '--'], { UNWIND_SNAPSHOT: snapshot })
    await this.database.sql('ALTER TABLE catalogue.product ADD COLUMN season text')
    await this.database.sql(`UPDATE catalogue.product SET price = price * 2, season = 'winter'`)
    await this.database.sql('DELETE FROM catalogue.label')
    await this.database.sql('CREATE TABLE catalogue.campaign (id int PRIMARY KEY)')
    const left = await this.state()
    return recordOf(snapshot, before, left)
  }

  async state(): Promise<State> {
    return JSON.parse(await this.#call(['state', '--'])) as State
  }

  snapshots(): string[] {
    return readdirSync(this.folder)
      .filter(name => name.endsWith('.dump'))
      .sort()
  }

  /** Restores that were committed, by the record in the database. */
  async restores(): Promise<number> {
    const [row] = await this.database.sql(
      `SELECT coalesce((xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM snapshot_record.restored', false, true, '')))[1]::text, '0') AS n WHERE to_regclass('snapshot_record.restored') IS NOT NULL`,
    )
    return Number(row?.n ?? 0)
  }

  script(body: string): string {
    const file = join(this.folder, `script-${++this.#scripts}.sh`)
    writeFileSync(file, `#!/bin/sh\n${body.replaceAll('PG_SNAPSHOT', PG_SNAPSHOT)}\n`)
    chmodSync(file, 0o755)
    return file
  }

  contract(change: (contract: ContractObject) => void = () => undefined): Contract {
    const variables: Record<string, string> = {
      CATALOGUE_URL: this.#urlWithoutPassword,
      SNAPSHOT_DIR: this.folder,
      PG_SNAPSHOT,
    }
    const { contract } = parseContract(readFileSync(CONTRACT, 'utf8'), 'catalogue.yaml', {
      lookup: name => variables[name],
    })
    const copy: ContractObject = structuredClone(contract)
    change(copy)
    return copy
  }

  adapter(change?: (contract: ContractObject) => void): Adapter {
    const contract = this.contract(change)
    return createSnapshotAdapter(
      {
        contract,
        actionContract: name => contract.actions[name],
        log: { info: () => undefined, warn: () => undefined, error: () => undefined },
        failpoint: async () => undefined,
      },
      { PGPASSFILE: this.passwordFile },
    )
  }

  async remove(): Promise<void> {
    await this.database.drop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  get #urlWithoutPassword(): string {
    const url = new URL(this.database.url)
    url.password = ''
    return url.href
  }

  async #call(args: readonly string[], variables: Record<string, string> = {}): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      PGURL: this.#urlWithoutPassword,
      PGSCHEMA: 'catalogue',
      PGPASSFILE: this.passwordFile,
      SNAPSHOT_DIR: this.folder,
      ...variables,
    }
    return (await run(PG_SNAPSHOT, [...args], { env })).stdout
  }
}

/** What the job records: flat, as the client takes it. */
export function recordOf(snapshot: string, before: State, left: State): Record<string, string> {
  return {
    snapshot,
    before: JSON.stringify(before.tables),
    left: JSON.stringify(left.tables),
    leftDigest: left.digest,
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests change the contract at arbitrary places.
export type ContractObject = any

export function workOn(data: object, overrides: Partial<StepWork> = {}): StepWork {
  return {
    rollbackId: 'rb-1',
    correlationId: 'night-7',
    stepId: 'catalogue',
    key: 'rb-1/catalogue',
    actions: [
      {
        actionId: 'catalogue:1',
        action: 'catalogue.rewritten',
        resource: 'catalogue',
        data: JSON.stringify(data),
      },
    ],
    resolution: null,
    traceparent: null,
    ...overrides,
  }
}

/** Never aborted. */
export const open: AbortSignal = new AbortController().signal
