import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { preview, probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('role')
const role = `unwind_orders_${process.pid}`
const page = readFileSync(new URL('../../../docs/how-to/postgres.md', import.meta.url), 'utf8')

/** The statements of the page as they stand there, for a role of this run. */
function documented(): readonly string[] {
  const block = /```sql\n(CREATE ROLE[\s\S]+?)```/.exec(page)![1]!
  return block
    .trim()
    .split('\n')
    .map(line => line.replaceAll('unwind_orders', role).replace('…', 'right'))
}

function urlOf(user: string, password: string): string {
  const url = new URL(db.url())
  url.username = user
  url.password = password
  return url.href
}

describe("the sidecar's role", () => {
  const tables = { orders: {}, order_lines: {} }
  afterAll(async () => {
    await db.sql(`DROP OWNED BY ${role}`)
    await db.sql(`DROP ROLE ${role}`)
  })

  it('needs no more than the page grants: start, fence, preview, undo, probe, relay and retention', async () => {
    await db.sql(`CREATE TABLE orders (id int PRIMARY KEY, state text)`)
    await db.sql(
      `CREATE TABLE order_lines (order_id int REFERENCES orders ON DELETE CASCADE, no int, PRIMARY KEY (order_id, no))`,
    )
    await db.sql(`INSERT INTO orders VALUES (1, 'new')`)
    await db.install(tables)
    for (const statement of documented()) await db.sql(statement)
    const adapter = db.make(tables, { adapter: { url: urlOf(role, 'right'), retention: '1s' } })
    await adapter.start()

    await db.forward(
      'o-1',
      `UPDATE orders SET state = 'paid'`,
      `INSERT INTO orders VALUES (2, 'new')`,
      `INSERT INTO order_lines VALUES (2, 1)`,
    )
    const [captured] = await adapter.capture!.next(10, new AbortController().signal)
    expect(captured).toMatchObject({ correlationId: 'o-1', items: 3 })
    await adapter.capture!.published(captured!)
    const work = await stepFor(adapter, 'o-1')
    expect(await preview(adapter, work)).toMatchObject({ items: 3, conflicts: [], problems: [] })
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 3 })
    expect(await probe(adapter, work)).toMatchObject({ kind: 'seen', restored: 3, expected: 3 })
    expect(await db.sql('SELECT * FROM orders')).toEqual([{ id: 1, state: 'new' }])

    const sidecar = await db.connect()
    await sidecar.query(`SET ROLE ${role}`)
    expect((await sidecar.query('SELECT unwind.prune(now(), 10) AS pruned')).rows).toEqual([{ pruned: '1' }])
    for (const forbidden of [
      `INSERT INTO unwind.tx SELECT * FROM unwind.tx`,
      `CREATE TABLE public.mine (id int)`,
      `DROP TRIGGER unwind_capture ON orders`,
      `ALTER TABLE orders DISABLE TRIGGER ALL`,
      `SELECT * FROM pg_authid`,
    ])
      await expect(sidecar.query(forbidden), forbidden).rejects.toThrow(/permission denied|must be owner/)
  })

  it('reads the log of a table that a later install adds', async () => {
    await db.sql(`CREATE TABLE notes (id int PRIMARY KEY, text text)`)
    await db.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO ${role}`)
    const more = { ...tables, notes: {} }
    await db.install(more)
    const adapter = db.make(more, { adapter: { url: urlOf(role, 'right') } })
    await adapter.start()
    await db.forward('n-1', `INSERT INTO notes VALUES (1, 'x')`)
    const work = await stepFor(adapter, 'n-1')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 1 })
    expect(await probe(adapter, work)).toMatchObject({ restored: 1 })
    await db.install(tables)
  })

  it('that may not read a table whose rows would go with ours is told so at the start', async () => {
    await db.sql(
      `CREATE TABLE parcels (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE SET NULL)`,
    )
    await db.install(tables)
    await expect(db.make(tables, { adapter: { url: urlOf(role, 'right') } }).start()).rejects.toThrow(
      `public.orders: role ${role} may not read parcels, whose rows go or change with it; GRANT SELECT ON parcels TO ${role}`,
    )
    await db.sql('DROP TABLE parcels')
  })

  it('with a wrong password is refused at the start, without showing it', async () => {
    const refused = db.make(tables, { adapter: { url: urlOf(role, 'wrong-secret') } }).start()
    await expect(refused).rejects.toThrow(
      /^contract orders@1\.0\.0: adapter\.url: .*password authentication failed.*Check adapter\.url: user, password and database\./,
    )
    await expect(refused).rejects.not.toThrow('wrong-secret')
  })
})
