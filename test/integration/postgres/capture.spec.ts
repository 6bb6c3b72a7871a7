import type pg from 'pg'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { removeCapture } from '../../../packages/sidecar/src/adapters/postgres/capture/remove.js'
import { captureStatus } from '../../../packages/sidecar/src/adapters/postgres/capture/status.js'
import { parseOptions } from '../../../packages/sidecar/src/adapters/postgres/options.js'
import { probe, SYSTEM, stepFor, undo } from '../../support/steps.js'
import { bench, contractFor } from './harness.js'

const db = bench('capture')

/** Everything that the application can see of its own tables. */
const schemaOf = () =>
  db.sql(`SELECT c.relname, a.attname, a.atttypid, a.attnotnull, (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = c.oid) AS constraints,
      (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes, (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) AS triggers
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, a.attnum`)

const withClient = async <T>(use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = await db.connect()
  return use(client)
}
const status = (tables: Record<string, object>, more = {}) =>
  withClient(client => captureStatus(client, parseOptions(contractFor(db.url(), tables, more)), SYSTEM))
const remove = (tables: Record<string, object>, system = SYSTEM) =>
  withClient(client => removeCapture(client, parseOptions(contractFor(db.url(), tables)), system))

describe('capture install, status and remove', () => {
  beforeAll(async () => {
    await db.sql('CREATE TABLE orders (id int PRIMARY KEY, state text)')
    await db.sql('CREATE TABLE lines (order_id int REFERENCES orders, no int, PRIMARY KEY (order_id, no))')
    await db.sql('CREATE TABLE notes (text text)')
  })
  beforeEach(async () => {
    await db.sql('DROP SCHEMA IF EXISTS unwind CASCADE')
  })
  const tables = { orders: {}, lines: {} }

  it('is idempotent and reversible, and leaves nothing behind in the tables', async () => {
    const before = await schemaOf()
    expect(await status(tables)).toMatchObject({
      installed: false,
      tables: [
        {
          table: 'public.orders',
          state: 'missing',
          problem: 'is not captured; run "unwind capture install"',
        },
        { table: 'public.lines', state: 'missing' },
      ],
    })
    expect(await db.install(tables)).toEqual({
      installed: ['public.orders', 'public.lines'],
      unchanged: [],
      retired: [],
    })
    expect(await db.install(tables)).toEqual({
      installed: [],
      unchanged: ['public.orders', 'public.lines'],
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
    expect(await remove(tables)).toEqual(['public.lines', 'public.orders'])
    expect(await remove(tables)).toEqual([])
    expect(await schemaOf()).toEqual(before)
  })

  it('says what has drifted, refuses to start on it, and install repairs it', async () => {
    await db.install(tables)
    await db.sql('DROP TRIGGER unwind_capture ON orders')
    await db.sql('ALTER TABLE lines ADD COLUMN amount int')
    expect((await status(tables)).tables).toEqual([
      {
        table: 'public.orders',
        state: 'drifted',
        problem: 'its trigger is gone or disabled; run "unwind capture install"',
      },
      {
        table: 'public.lines',
        state: 'drifted',
        problem: 'its columns or key have changed (+ amount integer); run "unwind capture install"',
      },
    ])
    await expect(db.make(tables).start()).rejects.toThrow(
      'contract orders@1.0.0: public.orders: its trigger is gone or disabled; run "unwind capture install"; public.lines: its columns or key have changed (+ amount integer)',
    )
    await db.install(tables)
    await db.make(tables).start()
    expect((await status({ orders: { ignore: ['state'] } })).tables).toEqual([
      {
        table: 'public.orders',
        state: 'drifted',
        problem: 'the contract or a foreign key has changed since; run "unwind capture install"',
      },
      {
        table: 'public.lines',
        state: 'unasked',
        problem: 'is captured, but the contract does not name it; run "unwind capture install"',
      },
    ])
    expect(await db.install({ orders: {} })).toEqual({
      installed: [],
      unchanged: ['public.orders'],
      retired: ['public.lines'],
    })
  })

  it('names every problem of the contract at once, with what to do', async () => {
    await expect(
      db.install({
        notes: {},
        nowhere: {},
        orders: { delta: ['state'], key: ['state'] },
        lines: { ignore: ['colour'] },
      }),
    ).rejects.toThrow(
      'system orders: adapter.capture.tables.notes: has no primary key; name the columns of a unique index (key: [...]), add a primary key, or say "key: row" when only inserts are to be undone; ' +
        'adapter.capture.tables.nowhere: no such table; the name is "schema.table", in the letters of the catalog; ' +
        'adapter.capture.tables.orders: delta: column "state" is text; a difference can be undone exactly in smallint, integer, bigint, numeric; ' +
        'adapter.capture.tables.lines: has no column "colour" that could be written',
    )
    await expect(db.install({ orders: { key: ['state'] } })).rejects.toThrow(
      'key: no unique index on exactly (state); create one, or name one that exists',
    )
    expect(await db.sql(`SELECT FROM pg_namespace WHERE nspname = 'unwind'`)).toEqual([])
  })

  it('refuses a schema of another system', async () => {
    await db.install(tables)
    await expect(db.install(tables, { system: 'billing' })).rejects.toThrow(
      'system billing: adapter.schema: schema "unwind" belongs to system orders; give this system another schema',
    )
    await expect(remove(tables, 'billing')).rejects.toThrow(
      'schema "unwind" belongs to system orders; nothing was removed',
    )
  })

  it('refuses to start without rights, without capture and without a database, each with what to do', async () => {
    await expect(db.make(tables).start()).rejects.toThrow(
      'capture is not installed in schema "unwind"; run "unwind capture install"',
    )
    await db.install(tables)
    const role = `weak_${process.pid}`
    await db.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`)
    await db.sql(`GRANT USAGE ON SCHEMA unwind TO ${role}`)
    await db.sql(`GRANT SELECT ON ALL TABLES IN SCHEMA unwind TO ${role}`)
    const url = new URL(db.url())
    url.username = role
    url.password = 'x'
    await expect(db.make(tables, { adapter: { url: url.href } }).start()).rejects.toThrow(
      `public.orders: role ${role} lacks SELECT, INSERT, UPDATE, DELETE; GRANT SELECT, INSERT, UPDATE, DELETE ON public.orders TO ${role}`,
    )
    await db.sql(`DROP OWNED BY ${role}`)
    await db.sql(`DROP ROLE ${role}`)
    url.port = '1'
    await expect(db.make(tables, { adapter: { url: url.href } }).start()).rejects.toThrow(
      /adapter\.url: cannot connect: .*ECONNREFUSED.*Check that the database runs/,
    )
  })

  it("needs no right of the application's role, and cannot be misled by its search path", async () => {
    await db.install(tables)
    const role = `app_${process.pid}`
    await db.sql(`CREATE ROLE ${role}`)
    await db.sql(`GRANT SELECT, INSERT, UPDATE ON orders TO ${role}`)
    await db.sql(`CREATE SCHEMA evil_${process.pid}`)
    await db.sql(
      `CREATE FUNCTION evil_${process.pid}.texteq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'misled'; END $$`,
    )
    // NULLIF looks its operator up like any other, and a type may be a domain that runs somebody's function.
    await db.sql(
      `CREATE OPERATOR evil_${process.pid}.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil_${process.pid}.texteq)`,
    )
    for (const type of ['text', 'int8', 'bool'])
      await db.sql(
        `CREATE DOMAIN evil_${process.pid}.${type} AS pg_catalog.${type} CHECK (evil_${process.pid}.texteq('a', 'a'))`,
      )
    await db.sql(`GRANT USAGE ON SCHEMA evil_${process.pid} TO ${role}`)
    await db.forward(
      'app',
      `SET LOCAL ROLE ${role}`,
      `SET LOCAL search_path = evil_${process.pid}, pg_catalog, public`,
      `INSERT INTO orders VALUES (1, 'new')`,
    )
    await db.sql(`SET ROLE ${role}`)
    await expect(db.sql('SELECT * FROM unwind.tx')).rejects.toThrow('permission denied')
    await db.sql('RESET ROLE')
    const adapter = db.make(tables)
    await adapter.start()
    expect(await undo(adapter, await stepFor(adapter, 'app'))).toMatchObject({ kind: 'applied', items: 1 })
    await db.sql(`DROP OWNED BY ${role}`)
    await db.sql(`DROP ROLE ${role}`)
  })

  it('an action that the log no longer holds, and one of another source, fail as contract', async () => {
    await db.install(tables)
    const adapter = db.make(tables)
    await db.forward('old', `INSERT INTO orders VALUES (2, 'new')`)
    const work = await stepFor(adapter, 'old')
    await db.sql('DELETE FROM unwind.tx')
    for (const call of [undo, probe])
      expect(await call(adapter, work)).toMatchObject({
        kind: 'failed',
        code: 'contract',
        message: expect.stringMatching(
          /^rollback rb-old, step orders: the undo log holds no transaction \d+ of correlation ID old/,
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

  it('a connection that is cut while the undo runs is an unknown outcome; before it was sent, a transient one', async () => {
    await db.install(tables)
    const adapter = db.make(tables)
    await db.forward('cut', `INSERT INTO orders VALUES (3, 'new')`)
    const work = await stepFor(adapter, 'cut')
    const other = await db.connect()
    await other.query('BEGIN; UPDATE orders SET state = state WHERE id = 3')
    const undoing = undo(adapter, work)
    for (;;) {
      const rows = await db.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%undo(%'`,
      )
      if (rows.length > 0) break
    }
    expect(await undoing).toMatchObject({ kind: 'failed', code: 'unknown' })
    await other.query('ROLLBACK')
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
})
