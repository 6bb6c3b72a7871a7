import type { AdapterFixture, Heal, TargetOptions } from '@unwind/sidecar/conformance'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import pg from 'pg'
import { type Conversation, CuttingProxy } from '../support/cutting-proxy.js'
import { TestDatabase } from '../support/database.js'
import { loaded } from '../support/site.js'
import { Orders, ordersFeatures } from './support/orders.js'

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
class PostgresOrders extends Orders {
  readonly #lockers: pg.Client[] = []
  protected readonly commit = UNDO
  protected readonly ordersLabel = 'public.orders'

  private constructor(
    options: TargetOptions,
    private readonly database: TestDatabase,
    proxy: CuttingProxy,
  ) {
    super(options, proxy)
  }

  static async create(databaseUrl: string, name: string, options: TargetOptions): Promise<PostgresOrders> {
    const database = await TestDatabase.create(databaseUrl, name, ...SCHEMA)
    const { hostname, port } = new URL(databaseUrl)
    const orders = new PostgresOrders(options, database, await CuttingProxy.start(hostname, Number(port)))
    const { contract } = loaded(orders.contract)
    await database.lend(client => installCapture(client, parsePostgresOptions(contract), options.system))
    return orders
  }

  get contract() {
    const tables = { 'public.orders': {}, 'public.stock': { delta: ['qty'] } }
    return this.contractOf({ kind: 'postgres', url: new URL(this.database.url), tables })
  }

  protected async plain(statement: string): Promise<void> {
    await this.database.sql(statement)
  }

  protected transaction(correlationId: string, statement: string): Promise<void> {
    return this.database.transaction(correlationId, statement)
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

  protected async quantity(): Promise<number> {
    return Number((await this.database.sql(`SELECT qty FROM stock WHERE id = 'tea'`))[0]!.qty)
  }

  protected async lie(): Promise<Heal> {
    await this.database.sql(
      'CREATE TRIGGER lies BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION forget_write()',
    )
    return async () => void (await this.database.sql('DROP TRIGGER IF EXISTS lies ON orders'))
  }

  protected async lock(where: string): Promise<Heal> {
    const client = new pg.Client({ connectionString: this.database.url })
    await client.connect()
    this.#lockers.push(client)
    await client.query('BEGIN')
    await client.query(`SELECT FROM orders WHERE ${where} FOR UPDATE`)
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
  features: ordersFeatures(['postgres.undo.before', 'postgres.undo.after']),
  async open({ name, stack }) {
    if (!stack) throw new Error('the postgres fixture needs the stack')
    const { databaseUrl } = stack
    return {
      target: options =>
        PostgresOrders.create(databaseUrl, `${name}_${options.system.replaceAll('-', '_')}`, options),
    }
  },
}

export default fixture
