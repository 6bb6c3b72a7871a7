import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  captureStatus,
  parseMysqlOptions,
  removeCapture,
} from '../../../packages/sidecar/src/adapters/mysql/index.js'
import { MariaClient, mariadbUrl, onceMaria } from '../../support/mariadb.js'
import { probe, SYSTEM, stepFor, undo } from '../../support/steps.js'
import { bench, contractFor } from './harness.js'

const db = bench('capture')
const label = (table: string) => `${db.database}.${table}`

/** Everything that the application can see of its own tables. */
const schemaOf = () =>
  db.sql(
    `SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.COLUMN_KEY, c.EXTRA,
      (SELECT count(*) FROM information_schema.TABLE_CONSTRAINTS k WHERE k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME) AS constraints,
      (SELECT count(*) FROM information_schema.TRIGGERS t WHERE t.EVENT_OBJECT_SCHEMA = c.TABLE_SCHEMA AND t.EVENT_OBJECT_TABLE = c.TABLE_NAME) AS triggers
     FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = ? ORDER BY 1, c.ORDINAL_POSITION`,
    [db.database],
  )

const options = (tables: Record<string, object>, more = {}) =>
  parseMysqlOptions(contractFor(db.url(), tables, more))
const status = async (tables: Record<string, object>, more = {}) =>
  captureStatus(await db.session(), options(tables, more), SYSTEM)
const remove = async (tables: Record<string, object>, system = SYSTEM) =>
  removeCapture(await db.session(), options(tables), system)

describe('capture install, status and remove', () => {
  beforeAll(async () => {
    await db.sql('CREATE TABLE orders (id int PRIMARY KEY, state varchar(20))')
    await db.sql(
      'CREATE TABLE order_lines (order_id int, no int, PRIMARY KEY (order_id, no), FOREIGN KEY (order_id) REFERENCES orders (id))',
    )
    await db.sql('CREATE TABLE notes (text text)')
    await db.sql('CREATE TABLE old_notes (id int PRIMARY KEY) ENGINE=MyISAM')
    await db.sql('CREATE TABLE places (id int PRIMARY KEY, at point)')
    await db.sql('CREATE TABLE codes (code int UNIQUE, name varchar(20) NOT NULL UNIQUE)')
  })
  beforeEach(async () => {
    const session = await db.session()
    await removeCapture(session, options({ orders: {} }), SYSTEM)
  })
  const tables = { orders: {}, order_lines: {} }

  it('is idempotent and reversible, and leaves nothing behind in the tables', async () => {
    const before = await schemaOf()
    expect(await status(tables)).toMatchObject({
      installed: false,
      tables: [
        {
          table: label('orders'),
          state: 'missing',
          problem: 'is not captured; run "unwind capture install"',
        },
        { table: label('order_lines'), state: 'missing' },
      ],
    })
    expect(await db.install(tables)).toEqual({
      installed: [label('orders'), label('order_lines')],
      unchanged: [],
      retired: [],
    })
    expect(await db.install(tables)).toEqual({
      installed: [],
      unchanged: [label('orders'), label('order_lines')],
      retired: [],
    })
    expect(await status(tables)).toMatchObject({
      installed: true,
      tables: [
        { state: 'installed', problem: null },
        { state: 'installed', problem: null },
      ],
      transactions: 0,
      unpublished: 0,
    })
    expect(await remove(tables)).toEqual([label('order_lines'), label('orders')])
    expect(await remove(tables)).toEqual([])
    expect(await schemaOf()).toEqual(before)
  })

  it('an install that was cut off counts as drifted, and is finished by the next one', async () => {
    await db.install(tables)
    await db.sql('DROP TRIGGER unwind_orders_d')
    expect((await status(tables)).tables[0]).toEqual({
      table: label('orders'),
      state: 'drifted',
      problem: 'one of its triggers is gone or not ours; run "unwind capture install"',
    })
    expect(await db.install(tables)).toMatchObject({ installed: [label('orders')] })
    expect((await status(tables)).tables.map(table => table.state)).toEqual(['installed', 'installed'])
  })

  it('says what has drifted, refuses to start on it, and install repairs it', async () => {
    await db.install(tables)
    await db.sql('DROP TRIGGER unwind_orders_u')
    await db.sql('ALTER TABLE order_lines ADD COLUMN amount int')
    expect((await status(tables)).tables).toMatchObject([
      { state: 'drifted' },
      {
        table: label('order_lines'),
        state: 'drifted',
        problem: 'its columns or key have changed (+ amount int); run "unwind capture install"',
      },
    ])
    await expect(db.make(tables).start()).rejects.toThrow(
      `contract orders@1.0.0: ${label('orders')}: one of its triggers is gone or not ours; run "unwind capture install"; ${label('order_lines')}: its columns or key have changed (+ amount int)`,
    )
    await db.install(tables)
    await db.make(tables).start()
    expect((await status({ orders: { ignore: ['state'] } })).tables).toEqual([
      {
        table: label('orders'),
        state: 'drifted',
        problem: 'the contract or a foreign key has changed since; run "unwind capture install"',
      },
      {
        table: label('order_lines'),
        state: 'unasked',
        problem: 'is captured, but the contract does not name it; run "unwind capture install"',
      },
    ])
    expect(await db.install({ orders: {} })).toEqual({
      installed: [],
      unchanged: [label('orders')],
      retired: [label('order_lines')],
    })
    await db.sql('ALTER TABLE order_lines DROP COLUMN amount')
  })

  it('a changed fence alone is drift, and install changes it', async () => {
    await db.install(tables)
    const rejecting = { adapter: { fence: 'reject' } }
    expect((await status(tables, rejecting)).tables[0]).toMatchObject({ state: 'drifted' })
    await db.install(tables, rejecting)
    expect((await status(tables, rejecting)).tables[0]).toMatchObject({ state: 'installed' })
  })

  it('names every problem of the contract at once, with what to do', async () => {
    await expect(
      db.install({
        notes: {},
        nowhere: {},
        old_notes: {},
        places: {},
        codes: { key: ['code'] },
        orders: { delta: ['state'], key: ['state'] },
        order_lines: { ignore: ['colour'] },
      }),
    ).rejects.toThrow(
      'system orders: adapter.capture.tables.notes: has no primary key, so its rows cannot be told apart; add one, or name the columns of a unique index without NULL (key: [...]); ' +
        'adapter.capture.tables.nowhere: no such table; the name is "database.table", in the letters of the catalog; ' +
        `adapter.capture.tables.old_notes: is stored in MyISAM, which has no transactions, so effect and record could not be written together; ALTER TABLE ${label('old_notes')} ENGINE=InnoDB; ` +
        'adapter.capture.tables.places: column "at" is point, whose values capture cannot hold; move it into a table of its own; ' +
        'adapter.capture.tables.codes: key: column "code" can be NULL, and rows with NULL cannot be told apart; ' +
        'adapter.capture.tables.orders: delta: column "state" is varchar utf8mb4_',
    )
    await expect(db.install({ orders: { key: ['state'] } })).rejects.toThrow(
      'key: no unique index on exactly (state); create one, or name one that exists',
    )
    expect(await db.install({ codes: { key: ['name'] } })).toMatchObject({ installed: [label('codes')] })
  })

  it('refuses a database of another system, and a table that another capture has', async () => {
    await db.install(tables)
    await expect(db.install(tables, { system: 'billing' })).rejects.toThrow(
      `system billing: adapter.database: database "${db.capture}" belongs to system orders; give this system another one`,
    )
    await expect(remove(tables, 'billing')).rejects.toThrow(
      `database "${db.capture}" belongs to system orders; nothing was removed`,
    )
    await expect(
      db.install(tables, { system: 'billing', adapter: { database: `${db.database}_two` } }),
    ).rejects.toThrow(
      `trigger unwind_orders_i belongs to the capture in database "${db.capture}"; a table has one capture`,
    )
    expect(await db.sql(`SHOW DATABASES LIKE '${db.database}_two'`)).toEqual([])
  })

  it('removes nothing that it did not make', async () => {
    await db.sql(`CREATE DATABASE ${db.capture}`)
    await expect(remove(tables)).rejects.toThrow(
      `database "${db.capture}" was not made by "unwind capture install"; nothing was removed`,
    )
    await db.sql(`DROP DATABASE ${db.capture}`)
  })

  it('refuses to start without rights, without capture and without a database, each with what to do', async () => {
    await expect(db.make(tables).start()).rejects.toThrow(
      `capture is not installed in database "${db.capture}"; run "unwind capture install"`,
    )
    await db.install(tables)
    const user = `weak_${process.pid}`
    await db.sql(
      `CREATE USER ${user} IDENTIFIED BY 'x'; GRANT SELECT ON ${db.capture}.* TO ${user}; GRANT SELECT, TRIGGER ON ${db.database}.* TO ${user}`,
    )
    const url = new URL(db.url())
    url.username = user
    url.password = 'x'
    await expect(db.make(tables, { adapter: { url: url.href } }).start()).rejects.toThrow(
      `${label('orders')}: user ${user}@% lacks INSERT, UPDATE, DELETE; GRANT INSERT, UPDATE, DELETE ON ${label('orders')} TO that user`,
    )
    await db.sql(`DROP USER ${user}`)
    await expect(db.make(tables, { adapter: { url: url.href } }).start()).rejects.toThrow(
      /adapter\.url: Access denied .*Check adapter\.url: user, password/,
    )
    url.port = '1'
    await expect(db.make(tables, { adapter: { url: url.href } }).start()).rejects.toThrow(
      /adapter\.url: cannot connect: .*ECONNREFUSED.*Check that the database runs/,
    )
  })

  it("works with the rights that the docs name, and needs none of the application's user on the log", async () => {
    await db.install(tables)
    const [app, sidecar] = [`app_${process.pid}`, `sidecar_${process.pid}`]
    await db.sql(
      `CREATE USER ${app} IDENTIFIED BY 'x'; GRANT SELECT, INSERT, UPDATE ON ${db.database}.* TO ${app}`,
    )
    await db.sql(
      `CREATE USER ${sidecar} IDENTIFIED BY 'x'; GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON ${db.database}.* TO ${sidecar};
       GRANT SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, EXECUTE ON ${db.capture}.* TO ${sidecar}`,
    )
    const as = (user: string) => {
      const url = new URL(db.url())
      url.username = user
      url.password = 'x'
      return url.href
    }
    const client = await MariaClient.connect(as(app))
    await client.transaction('app', `INSERT INTO orders VALUES (1, 'new')`)
    await expect(client.sql(`SELECT * FROM ${db.capture}.entry`)).rejects.toThrow('denied')
    await client.end()
    const adapter = db.make(tables, { adapter: { url: as(sidecar) } })
    await adapter.start()
    expect(await adapter.capture!.next(10, new AbortController().signal)).toHaveLength(1)
    const work = await stepFor(adapter, 'app')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 1 })
    expect(await probe(adapter, work)).toMatchObject({ restored: 1, expected: 1 })
    await adapter.stop()
    await db.sql(`DROP USER ${app}; DROP USER ${sidecar}`)
  })

  it('an action that the log no longer holds, and one of another source, fail as contract', async () => {
    await db.install(tables)
    const adapter = db.make(tables)
    await db.forward('old', `INSERT INTO orders VALUES (2, 'new')`)
    const work = await stepFor(adapter, 'old')
    await db.sql(`DELETE FROM ${db.capture}.entry`)
    for (const call of [undo, probe])
      expect(await call(adapter, work)).toMatchObject({
        kind: 'failed',
        code: 'contract',
        message: expect.stringMatching(
          /^rollback rb-old, step orders: the undo log holds no entry \d+ of correlation ID old/,
        ),
        hint: expect.stringContaining('retention'),
      })
    const foreign = { ...work, actions: [{ ...work.actions[0]!, actionId: 'payment-7' }] }
    expect(await undo(adapter, foreign)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('payment-7 was not captured'),
    })
  })

  it('a connection that is cut before the commit is transient, since nothing was committed', async () => {
    await db.install(tables)
    const adapter = db.make(tables, { adapter: { lockTimeout: '20s' } })
    await db.forward('cut', `INSERT INTO orders VALUES (3, 'new')`)
    const work = await stepFor(adapter, 'cut')
    const other = await db.connect()
    await other.sql(`BEGIN; UPDATE orders SET state = concat(state, '!') WHERE id = 3`)
    const undoing = undo(adapter, work)
    for (;;) {
      const rows = await db.sql(
        `SELECT t.trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
         WHERE t.trx_state = 'LOCK WAIT' AND p.DB = '${db.database}'`,
      )
      if (rows.length > 0) {
        await onceMaria(await mariadbUrl(), `KILL ${rows[0]!.id}`)
        break
      }
      // Asked more often than ten times a second, the server repeats its last answer.
      await db.sql('SELECT SLEEP(0.12 + RAND() * 0.2)')
    }
    expect(await undoing).toMatchObject({ kind: 'failed', code: 'transient' })
    await other.sql('ROLLBACK')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', before: false })
    const url = new URL(db.url())
    url.port = '1'
    const unreachable = db.make(tables, { adapter: { url: url.href } })
    expect(await undo(unreachable, work)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('cannot connect'),
    })
  })

  it('tells correlation IDs apart byte by byte, whatever the session takes for equal', async () => {
    await db.sql('CREATE TABLE letters (id int PRIMARY KEY)')
    const adapter = await db.adapter({ letters: {} })
    const client = await db.connect()
    await client.sql('SET NAMES utf8mb4 COLLATE utf8mb4_general_ci; BEGIN')
    for (const [id, correlationId] of [`'order-a'`, `'ORDER-A'`, `'order-a '`, '17', '0'].entries())
      await client.sql(`SET @unwind_correlation_id = ${correlationId}; INSERT INTO letters VALUES (${id})`)
    await client.sql('COMMIT; SET @unwind_correlation_id = NULL')
    for (const correlationId of ['order-a', 'ORDER-A', 'order-a ', '17', '0'])
      expect((await stepFor(adapter, correlationId)).actions, correlationId).toHaveLength(1)
  })
})
