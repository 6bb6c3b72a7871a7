import { fileURLToPath } from 'node:url'
import { startStack } from '@unwind/local-stack'
import type {
  AdapterFixture,
  Fault,
  Forward,
  Heal,
  Newer,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import { installCapture, openSession, parseMysqlOptions } from '@unwind/sidecar/mysql'
import { type Conversation, CuttingProxy } from '../support/cutting-proxy.js'
import { MariaClient, onceMaria } from '../support/mariadb.js'
import { loaded } from '../support/site.js'

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
class Orders implements Target {
  readonly #lockers: MariaClient[] = []
  #count = 0

  private constructor(
    private readonly options: TargetOptions,
    private readonly adminUrl: string,
    private readonly name: string,
    private readonly application: MariaClient,
    private readonly proxy: CuttingProxy,
  ) {}

  static async create(adminUrl: string, name: string, options: TargetOptions): Promise<Orders> {
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
    const orders = new Orders(options, adminUrl, name, application, proxy)
    const { contract } = loaded(orders.contract)
    const session = await openSession({ url })
    await installCapture(session, parseMysqlOptions(contract), options.system)
    await session.end()
    return orders
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    const url = new URL(urlOf(this.adminUrl, this.name))
    url.host = `127.0.0.1:${this.proxy.listensOn}`
    url.username = SIDECAR
    url.password = PASSWORD
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'orders', contact: 'orders@example.com' },
      success: 'the rows are as they were',
      adapter: {
        kind: 'mysql',
        url: url.href,
        fence: 'reject',
        statementTimeout: `${timeoutMs}ms`,
        lockTimeout: `${Math.ceil(timeoutMs / 2)}ms`,
        capture: { tables: { orders: {}, stock: { delta: ['qty'] } } },
      },
      actions: {
        'order.confirmed': { onConflict, retry: { attempts: 8, initial: '100ms', max: '500ms' } },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, () => `o${++this.#count}`)
    const list = subjects.map(id => `'${id}'`).join(', ')
    await this.application.sql(
      `INSERT INTO orders VALUES ${subjects.map(id => `('${id}', 'draft', '')`).join(', ')}`,
    )
    await this.#transaction(
      correlationId,
      `UPDATE orders SET status = 'confirmed', note = 'paid' WHERE id IN (${list})`,
    )
    return this.#forward(correlationId, subjects)
  }

  /** Over a connection of its own, as another process of the application. */
  async #transaction(correlationId: string, statement: string): Promise<void> {
    const client = await MariaClient.connect(urlOf(this.adminUrl, this.name))
    try {
      await client.transaction(correlationId, statement)
    } finally {
      await client.end()
    }
  }

  #forward(correlationId: string, subjects: readonly string[]): Forward {
    const restored = Object.fromEntries(subjects.map(id => [id, { status: 'draft', note: '' }]))
    return { correlationId, subjects, recorded: [], restored }
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

  async writeNewer(subject: string): Promise<Newer> {
    await this.application.sql(`UPDATE orders SET note = 'gift' WHERE id = ?`, [subject])
    const item = `${this.name}.orders[id=${subject}]`
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
      await this.#transaction(correlationId, `UPDATE stock SET qty = qty + ${amount} WHERE id = 'tea'`)
      return this.#forward(correlationId, [])
    },
    add: async (amount: number): Promise<void> => {
      await onceMaria(
        urlOf(this.adminUrl, this.name),
        `UPDATE stock SET qty = qty + ${amount} WHERE id = 'tea'`,
      )
    },
    value: async (): Promise<number> =>
      Number((await this.application.sql(`SELECT qty FROM stock WHERE id = 'tea'`))[0]!.qty),
  }

  async inject(fault: Fault): Promise<Heal> {
    switch (fault.kind) {
      case 'refuse':
        return this.#lock('SELECT id FROM orders FOR UPDATE')
      case 'refuse-item':
        return this.#lock(`SELECT id FROM orders WHERE id = '${fault.subject}' FOR UPDATE`)
      case 'hang':
        return Object.assign(async () => this.proxy.release(), { caught: this.proxy.arm('hold', COMMIT) })
      case 'cut-before-effect':
      case 'cut-after-effect':
        void this.proxy.arm(fault.kind === 'cut-before-effect' ? 'before' : 'after', COMMIT)
        return async () => this.proxy.release()
      case 'lie':
        await this.application.sql(
          `CREATE TRIGGER lies BEFORE UPDATE ON orders FOR EACH ROW
           IF USER() LIKE '${SIDECAR}@%' THEN SET NEW.status = OLD.status, NEW.note = OLD.note; END IF`,
        )
        return async () => void (await this.application.sql('DROP TRIGGER IF EXISTS lies'))
    }
  }

  /** Another session holds the rows: the undo waits for its lock time-out and is rolled back. */
  async #lock(statement: string): Promise<Heal> {
    const client = await MariaClient.connect(urlOf(this.adminUrl, this.name))
    this.#lockers.push(client)
    await client.sql(`BEGIN; ${statement}`)
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
  features: {
    adapter: { atomicEffect: true, findsActions: true, fence: 'stops' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: true,
    partial: 'all-or-nothing',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['mysql.undo.before', 'mysql.undo.inside', 'mysql.undo.after'],
  },
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
        Orders.create(
          stack.mariadbUrl,
          `${name}_${options.system.replaceAll('-', '_')}`.slice(0, 50),
          options,
        ),
    }
  },
}

export default fixture
