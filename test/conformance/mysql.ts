import { fileURLToPath } from 'node:url'
import { startStack } from '@unwind/local-stack'
import type { AdapterFixture, Heal, TargetOptions } from '@unwind/sidecar/conformance'
import { installCapture, openSession, parseMysqlOptions } from '@unwind/sidecar/mysql'
import { type Conversation, CuttingProxy } from '../support/cutting-proxy.js'
import { MariaClient, onceMaria } from '../support/mariadb.js'
import { loaded } from '../support/site.js'
import { Orders, ordersFeatures } from './support/orders.js'

/** The sidecar's own user: by its name the target tells an undo from the application. */
const SIDECAR = 'unwind_sidecar'
const PASSWORD = 'sidecar'

const SCHEMA = `
  CREATE TABLE orders (id varchar(40) PRIMARY KEY, status varchar(20) NOT NULL, note varchar(20) NOT NULL);
  CREATE TABLE stock (id varchar(40) PRIMARY KEY, qty int NOT NULL, CONSTRAINT qty_not_negative CHECK (qty >= 0));
  INSERT INTO stock VALUES ('tea', 50);
  CREATE TABLE audit (id varchar(40) NOT NULL, who varchar(80) NOT NULL);
  CREATE TRIGGER audited_update AFTER UPDATE ON orders FOR EACH ROW INSERT INTO audit VALUES (NEW.id, USER());
  CREATE TRIGGER audited_insert AFTER INSERT ON orders FOR EACH ROW INSERT INTO audit VALUES (NEW.id, USER());
  CREATE TRIGGER audited_delete AFTER DELETE ON orders FOR EACH ROW INSERT INTO audit VALUES (OLD.id, USER());`

/** The commit of an undo, which no other transaction of the sidecar has; its answer is one packet. */
const COMMIT: Conversation = { request: bytes => bytes.includes('COMMIT /* unwind step */') }

/** A database of its own, with capture, and an application that names its business transactions. */
class MariadbOrders extends Orders {
  readonly #lockers: MariaClient[] = []
  protected readonly commit = COMMIT

  private constructor(
    options: TargetOptions,
    private readonly adminUrl: string,
    private readonly name: string,
    private readonly application: MariaClient,
    proxy: CuttingProxy,
  ) {
    super(options, proxy)
  }

  static async create(adminUrl: string, name: string, options: TargetOptions): Promise<MariadbOrders> {
    await onceMaria(
      adminUrl,
      `CREATE DATABASE ${name}; CREATE DATABASE ${name}_unwind;
       GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON ${name}.* TO ${SIDECAR};
       GRANT SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, EXECUTE ON ${name}_unwind.* TO ${SIDECAR}`,
    )
    const url = urlOf(adminUrl, name)
    const application = await MariaClient.connect(url)
    await application.sql(SCHEMA)
    const { hostname, port } = new URL(adminUrl)
    const proxy = await CuttingProxy.start(hostname, Number(port))
    const orders = new MariadbOrders(options, adminUrl, name, application, proxy)
    const { contract } = loaded(orders.contract)
    const session = await openSession({ url })
    await installCapture(session, parseMysqlOptions(contract), options.system)
    await session.end()
    return orders
  }

  get contract() {
    const url = new URL(urlOf(this.adminUrl, this.name))
    url.username = SIDECAR
    url.password = PASSWORD
    return this.contractOf({ kind: 'mysql', url, tables: { orders: {}, stock: { delta: ['qty'] } } })
  }

  protected get ordersLabel() {
    return `${this.name}.orders`
  }

  protected plain(statement: string): Promise<void> {
    return this.#connected(async client => void (await client.sql(statement)))
  }

  protected transaction(correlationId: string, statement: string): Promise<void> {
    return this.#connected(client => client.transaction(correlationId, statement))
  }

  /** Over a connection of its own, as another process of the application. */
  async #connected(work: (client: MariaClient) => Promise<void>): Promise<void> {
    const client = await MariaClient.connect(urlOf(this.adminUrl, this.name))
    try {
      await work(client)
    } finally {
      await client.end()
    }
  }

  async state(subject: string) {
    const [row] = await this.application.sql('SELECT status, note FROM orders WHERE id = ?', [subject])
    return row ? { status: row.status ?? null, note: row.note ?? null } : null
  }

  async effects(subject: string): Promise<number> {
    const [row] = await this.application.sql(
      `SELECT count(*) AS n FROM audit WHERE id = ? AND who LIKE '${SIDECAR}@%'`,
      [subject],
    )
    return Number(row!.n)
  }

  protected async quantity(): Promise<number> {
    return Number((await this.application.sql(`SELECT qty FROM stock WHERE id = 'tea'`))[0]!.qty)
  }

  protected async lie(): Promise<Heal> {
    await this.application.sql(
      `CREATE TRIGGER lies BEFORE UPDATE ON orders FOR EACH ROW
       IF USER() LIKE '${SIDECAR}@%' THEN SET NEW.status = OLD.status, NEW.note = OLD.note; END IF`,
    )
    return async () => void (await this.application.sql('DROP TRIGGER IF EXISTS lies'))
  }

  protected async lock(where: string): Promise<Heal> {
    const client = await MariaClient.connect(urlOf(this.adminUrl, this.name))
    this.#lockers.push(client)
    await client.sql(`BEGIN; SELECT id FROM orders WHERE ${where} FOR UPDATE`)
    return async () => void (await client.sql('ROLLBACK'))
  }

  async close(): Promise<void> {
    await Promise.all(this.#lockers.splice(0).map(client => client.end()))
    await this.application.end()
    await this.proxy.stop()
    await onceMaria(
      this.adminUrl,
      `DROP DATABASE IF EXISTS ${this.name}; DROP DATABASE IF EXISTS ${this.name}_unwind`,
    )
  }
}

function urlOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl)
  url.pathname = `/${database}`
  return url.href
}

const fixture: AdapterFixture = {
  kind: 'mysql',
  needs: 'server',
  features: ordersFeatures(['mysql.undo.before', 'mysql.undo.inside', 'mysql.undo.after']),
  async open({ name, folder, onClose }) {
    const cache = fileURLToPath(new URL('../../.unwind/cache', import.meta.url))
    const stack = await startStack({
      stateDir: folder,
      name: 'conformance',
      parts: ['mariadb'],
      env: { ...process.env, UNWIND_CACHE_DIR: process.env.UNWIND_CACHE_DIR ?? cache },
    })
    onClose(() => stack.stop())
    await onceMaria(stack.mariadbUrl, `CREATE OR REPLACE USER ${SIDECAR} IDENTIFIED BY '${PASSWORD}'`)
    return {
      target: options =>
        MariadbOrders.create(
          stack.mariadbUrl,
          `${name}_${options.system.replaceAll('-', '_')}`.slice(0, 50),
          options,
        ),
    }
  },
}

export default fixture
