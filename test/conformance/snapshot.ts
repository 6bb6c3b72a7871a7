import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type {
  AdapterFixture,
  Fault,
  Forward,
  Newer,
  Place,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import { TestDatabase } from '../support/database.js'
import { FaultyProgram } from '../support/faulty-program.js'

const PG_SNAPSHOT = fileURLToPath(
  new URL('../../examples/postgres-snapshot/bin/pg-snapshot', import.meta.url),
)
/** Dumps and restores take processes and connections of their own. */
const LEAST_MS = 3_000
const SUBJECT = 'catalogue'
const run = promisify(execFile)

interface State {
  readonly tables: Readonly<Record<string, string>>
  readonly digest: string
}

/** One schema of PostgreSQL, restored from a dump. An event trigger counts how often it was made anew. */
class Catalogue implements Target {
  readonly #program: FaultyProgram
  #count = 0
  #made = 0
  #latest: { readonly before: State; readonly left: State } | null = null

  private constructor(
    private readonly folder: string,
    private readonly options: TargetOptions,
    private readonly database: TestDatabase,
  ) {
    this.#program = new FaultyProgram(folder, PG_SNAPSHOT, 'restore')
    const { hostname, port, username, password } = new URL(database.url)
    const fields = [hostname, port, '*', decodeURIComponent(username), decodeURIComponent(password)]
    writeFileSync(this.#passwordFile, `${fields.join(':')}\n`, { mode: 0o600 })
  }

  static async create(place: Place, options: TargetOptions): Promise<Catalogue> {
    const folder = join(place.folder, options.system)
    mkdirSync(folder)
    const database = await TestDatabase.create(
      place.stack!.databaseUrl,
      `${place.name}_${options.system.replaceAll('-', '_')}`,
      'CREATE SCHEMA catalogue',
      'CREATE TABLE catalogue.product (id int PRIMARY KEY, price int NOT NULL)',
      'CREATE TABLE catalogue.label (product int REFERENCES catalogue.product, label text)',
      'INSERT INTO catalogue.product SELECT i, i FROM generate_series(1, 20) i',
      `INSERT INTO catalogue.label SELECT i, 'new' FROM generate_series(1, 20, 5) i`,
      'CREATE TABLE public.audit (at timestamptz DEFAULT clock_timestamp())',
      `CREATE FUNCTION public.count_schema() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
         IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'catalogue')
         THEN INSERT INTO public.audit DEFAULT VALUES; END IF; END $$`,
      `CREATE EVENT TRIGGER count_schema ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA')
         EXECUTE FUNCTION public.count_schema()`,
    )
    return new Catalogue(folder, options, database)
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    const { path } = this.#program
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'merchandising', contact: 'merchandising@example.com' },
      success: 'every table has the rows that it had before',
      adapter: { kind: 'snapshot', environment: { set: this.#variables }, killAfter: '200ms' },
      actions: {
        'catalogue.rewritten': {
          onConflict,
          timeout: `${Math.max(LEAST_MS, timeoutMs)}ms`,
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          undo: {
            snapshot: '{snapshot}',
            create: { run: path, words: ['create'] },
            restore: {
              run: path,
              words: ['restore'],
              arguments: [{ value: '{leftDigest}', type: 'text', pattern: '[a-f0-9]{32}' }],
              exits: { 0: 'done', 3: 'already-done', 10: 'conflict', 75: 'transient' },
            },
            expect: { '/tables': '{left}' },
          },
          probe: { run: path, words: ['state'], expect: { '/tables': '{before}' } },
        },
      },
    }
  }

  async act(correlationId: string): Promise<Forward> {
    const snapshot = `night-${++this.#count}`
    const restored = await this.state()
    const before = await this.#state()
    await this.#call('create', { UNWIND_SNAPSHOT: snapshot })
    await this.database.sql('UPDATE catalogue.product SET price = price * 2')
    await this.database.sql('DELETE FROM catalogue.label')
    const left = await this.#state()
    this.#latest = { before, left }
    this.#made = await this.#schemasMade()
    const data = {
      snapshot,
      before: JSON.stringify(before.tables),
      left: JSON.stringify(left.tables),
      leftDigest: left.digest,
    }
    return {
      correlationId,
      subjects: [SUBJECT],
      recorded: [{ action: 'catalogue.rewritten', resource: SUBJECT, data }],
      restored: { [SUBJECT]: restored },
    }
  }

  async state() {
    const [row] = await this.database.sql(
      `SELECT (SELECT json_agg(price ORDER BY id) FROM catalogue.product) AS prices,
              (SELECT coalesce(json_agg(product ORDER BY product), '[]') FROM catalogue.label) AS labels`,
    )
    return { prices: row!.prices as number[], labels: row!.labels as number[] }
  }

  async effects(): Promise<number> {
    return (await this.#schemasMade()) - this.#made
  }

  async writeNewer(): Promise<Newer> {
    const { before, left } = this.#latest!
    const saved = await this.state()
    await this.database.sql('UPDATE catalogue.product SET price = 999 WHERE id = 7')
    const now = await this.#state()
    const prices = saved.prices.map((price, i) => (i === 6 ? 999 : price))
    const product = (of: State) => JSON.stringify(of.tables.product)
    return {
      differences: [
        {
          item: SUBJECT,
          field: '/tables/product',
          before: product(before),
          after: product(left),
          current: product(now),
        },
      ],
      after: {
        keep: { prices, labels: saved.labels },
        force: { prices: saved.prices.map(price => price / 2), labels: [1, 6, 11, 16] },
      },
    }
  }

  inject(fault: Fault) {
    return this.#program.inject(fault)
  }

  async close(): Promise<void> {
    await this.database.drop()
  }

  async #schemasMade(): Promise<number> {
    const [row] = await this.database.sql('SELECT count(*)::int AS n FROM public.audit')
    return row!.n as number
  }

  async #state(): Promise<State> {
    return JSON.parse(await this.#call('state')) as State
  }

  async #call(verb: string, variables: Record<string, string> = {}): Promise<string> {
    const env = { PATH: process.env.PATH, ...this.#variables, ...variables }
    return (await run(PG_SNAPSHOT, [verb, '--'], { env })).stdout
  }

  get #variables() {
    const url = new URL(this.database.url)
    url.password = ''
    return {
      PGURL: url.href,
      PGSCHEMA: 'catalogue',
      PGPASSFILE: this.#passwordFile,
      SNAPSHOT_DIR: this.folder,
    }
  }

  get #passwordFile(): string {
    return join(this.folder, '.pgpass')
  }
}

const fixture: AdapterFixture = {
  kind: 'snapshot',
  // On the stack's PostgreSQL, and slow: each case dumps and restores with programs of their own.
  needs: 'server',
  features: {
    adapter: { atomicEffect: false, findsActions: false, fence: 'none' },
    manyItems: false,
    manyRollbacks: false,
    policies: ['park', 'keep', 'force'],
    delta: false,
    partial: 'none',
    faults: ['refuse', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['command.before-run', 'command.after-run'],
  },
  async open(place) {
    return { target: options => Catalogue.create(place, options) }
  },
}

export default fixture
