import type {
  AdapterFixture,
  Fault,
  Forward,
  Heal,
  Newer,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import pg from 'pg'
import { type Conversation, CuttingProxy } from '../support/cutting-proxy.js'
import { TestDatabase } from '../support/database.js'
import { loaded } from '../support/site.js'

const SCHEMA = [
  `CREATE TABLE orders (id text PRIMARY KEY, status text NOT NULL, note text NOT NULL)`,
  `CREATE TABLE stock (id text PRIMARY KEY, qty int NOT NULL CONSTRAINT qty_not_negative CHECK (qty >= 0))`,
  `INSERT INTO stock VALUES ('tea', 50)`,
  // Who wrote which row, by the name of the session: the adapter's begins with "unwind".
  `CREATE TABLE audit (id text NOT NULL, who text NOT NULL)`,
  `CREATE FUNCTION note_writer() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO audit VALUES (coalesce(new.id, old.id), current_setting('application_name'));
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION note_writer()`,
  `CREATE FUNCTION forget_write() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     RETURN CASE WHEN current_setting('application_name') LIKE 'unwind%' THEN old ELSE new END;
   END $$`,
]

/** The undo's statement is prepared once a connection under this name, and "Z" with the state I ends an answer outside of transactions. */
const UNDO: Conversation = {
  request: bytes => bytes.includes('unwind-undo'),
  answered: bytes => bytes.includes(Buffer.from([0x5a, 0, 0, 0, 5, 0x49])),
}

/** A database of its own, with capture, and an application that names its business transactions. */
class Orders implements Target {
  readonly #lockers: pg.Client[] = []
  #count = 0

  private constructor(
    private readonly options: TargetOptions,
    private readonly database: TestDatabase,
    private readonly proxy: CuttingProxy,
  ) {}

  static async create(databaseUrl: string, name: string, options: TargetOptions): Promise<Orders> {
    const database = await TestDatabase.create(databaseUrl, name, ...SCHEMA)
    const { hostname, port } = new URL(databaseUrl)
    const orders = new Orders(options, database, await CuttingProxy.start(hostname, Number(port)))
    const { contract } = loaded(orders.contract)
    await database.lend(client => installCapture(client, parsePostgresOptions(contract), options.system))
    return orders
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    const url = new URL(this.database.url)
    url.host = `127.0.0.1:${this.proxy.listensOn}`
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'orders', contact: 'orders@example.com' },
      success: 'the rows are as they were',
      adapter: {
        kind: 'postgres',
        url: url.href,
        fence: 'reject',
        statementTimeout: `${timeoutMs}ms`,
        lockTimeout: `${Math.ceil(timeoutMs / 2)}ms`,
        capture: { tables: { 'public.orders': {}, 'public.stock': { delta: ['qty'] } } },
      },
      actions: {
        'order.confirmed': { onConflict, retry: { attempts: 8, initial: '100ms', max: '500ms' } },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, () => `o${++this.#count}`)
    await this.database.sql(`INSERT INTO orders SELECT id, 'draft', '' FROM unnest($1::text[]) id`, [
      subjects,
    ])
    const list = subjects.map(id => `'${id}'`).join(', ')
    await this.database.transaction(
      correlationId,
      `UPDATE orders SET status = 'confirmed', note = 'paid' WHERE id IN (${list})`,
    )
    return this.#forward(correlationId, subjects)
  }

  #forward(correlationId: string, subjects: readonly string[]): Forward {
    const restored = Object.fromEntries(subjects.map(id => [id, { status: 'draft', note: '' }]))
    return { correlationId, subjects, recorded: [], restored }
  }

  async state(subject: string) {
    const [row] = await this.database.sql('SELECT status, note FROM orders WHERE id = $1', [subject])
    return row ? { status: String(row.status), note: String(row.note) } : null
  }

  async effects(subject: string): Promise<number> {
    const [row] = await this.database.sql(
      `SELECT count(*)::int AS n FROM audit WHERE id = $1 AND who LIKE 'unwind%'`,
      [subject],
    )
    return Number(row!.n)
  }

  async writeNewer(subject: string): Promise<Newer> {
    await this.database.sql(`UPDATE orders SET note = 'gift' WHERE id = $1`, [subject])
    const item = `public.orders[id=${subject}]`
    return {
      differences: [{ item, field: 'note', before: '""', after: '"paid"', current: '"gift"' }],
      after: {
        keep: { status: 'confirmed', note: 'gift' },
        force: { status: 'draft', note: '' },
        merge: { status: 'draft', note: 'gift' },
      },
    }
  }

  readonly counter = {
    subject: 'tea',
    start: 50,
    floor: 0,
    act: async (correlationId: string, amount: number): Promise<Forward> => {
      await this.database.transaction(
        correlationId,
        `UPDATE stock SET qty = qty + ${amount} WHERE id = 'tea'`,
      )
      return this.#forward(correlationId, [])
    },
    add: async (amount: number): Promise<void> => {
      await this.database.sql(`UPDATE stock SET qty = qty + $1 WHERE id = 'tea'`, [amount])
    },
    value: async (): Promise<number> =>
      Number((await this.database.sql(`SELECT qty FROM stock WHERE id = 'tea'`))[0]!.qty),
  }

  async inject(fault: Fault): Promise<Heal> {
    switch (fault.kind) {
      case 'refuse':
        return this.#lock('SELECT FROM orders FOR UPDATE', [])
      case 'refuse-item':
        return this.#lock('SELECT FROM orders WHERE id = $1 FOR UPDATE', [fault.subject])
      case 'hang':
        return Object.assign(async () => this.proxy.release(), { caught: this.proxy.arm('hold', UNDO) })
      case 'cut-before-effect':
      case 'cut-after-effect':
        void this.proxy.arm(fault.kind === 'cut-before-effect' ? 'before' : 'after', UNDO)
        return async () => this.proxy.release()
      case 'lie':
        await this.database.sql(
          'CREATE TRIGGER lies BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION forget_write()',
        )
        return async () => void (await this.database.sql('DROP TRIGGER IF EXISTS lies ON orders'))
    }
  }

  /** Another session holds the rows: the undo waits for its lock time-out and is rolled back. */
  async #lock(statement: string, values: readonly string[]): Promise<Heal> {
    const client = new pg.Client({ connectionString: this.database.url })
    await client.connect()
    this.#lockers.push(client)
    await client.query('BEGIN')
    await client.query(statement, [...values])
    return async () => void (await client.query('ROLLBACK'))
  }

  async close(): Promise<void> {
    await Promise.all(this.#lockers.splice(0).map(client => client.end()))
    await this.proxy.stop()
    await this.database.drop()
  }
}

const fixture: AdapterFixture = {
  kind: 'postgres',
  needs: 'stack',
  features: {
    adapter: { atomicEffect: true, findsActions: true, fence: 'stops' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: true,
    partial: 'all-or-nothing',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['postgres.undo.before', 'postgres.undo.after'],
  },
  async open({ name, stack }) {
    if (!stack) throw new Error('the postgres fixture needs the stack')
    const { databaseUrl } = stack
    return {
      target: options =>
        Orders.create(databaseUrl, `${name}_${options.system.replaceAll('-', '_')}`, options),
    }
  },
}

export default fixture
