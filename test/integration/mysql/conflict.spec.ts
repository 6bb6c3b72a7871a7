import { describe, expect, it } from 'vitest'
import { preview, probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('conflict')
let next = 0
async function table(columns: string): Promise<string> {
  const name = `t${next++}`
  await db.sql(`CREATE TABLE ${name} (${columns})`)
  return name
}

/** Three rows of one action: the first is still ours, the second was written since in one of its two fields, the third is gone. */
async function written(options: object = {}, actions?: Record<string, object>) {
  const t = await table('id int PRIMARY KEY, a int, b int, n int')
  await db.sql(`INSERT INTO ${t} VALUES (1, 1, 1, 10), (2, 1, 1, 10), (3, 1, 1, 10)`)
  const adapter = await db.adapter({ [t]: { delta: ['n'], ...options } }, actions ? { actions } : {})
  const id = `c-${t}`
  await db.forward(id, `UPDATE ${t} SET a = 2, b = 2, n = n + 1`)
  await db.sql(`UPDATE ${t} SET b = 7, n = n + 100 WHERE id = 2`)
  await db.sql(`DELETE FROM ${t} WHERE id = 3`)
  return {
    t,
    adapter,
    work: await stepFor(adapter, id),
    rows: () => db.sql(`SELECT * FROM ${t} ORDER BY id`),
  }
}

describe('newer data in the way', () => {
  it('parks by default: nothing is changed, and the difference is told field by field', async () => {
    const { t, adapter, work, rows } = await written()
    const before = await rows()
    const differences = [
      { item: `${db.database}.${t}[id=2]`, field: 'a', before: '1', after: '2', current: '2' },
      { item: `${db.database}.${t}[id=2]`, field: 'b', before: '1', after: '2', current: '7' },
      { item: `${db.database}.${t}[id=2]`, field: 'n', before: '10', after: '11', current: '111' },
      { item: `${db.database}.${t}[id=3]`, field: '', before: '"row"', after: '"row"', current: null },
    ]
    const conflict = await undo(adapter, work)
    expect(conflict).toEqual({ kind: 'conflict', differences: expect.arrayContaining(differences) })
    expect(conflict.kind === 'conflict' && conflict.differences).toHaveLength(4)
    expect(await rows()).toEqual(before)
    expect(await preview(adapter, work)).toEqual({
      items: 3,
      conflicts: expect.arrayContaining(differences),
      problems: [],
    })
    expect(
      await db.sql(`SELECT count(*) AS n FROM ${db.capture}.effect WHERE \`key\` = ?`, [work.key]),
    ).toEqual([{ n: '0' }])
  })

  it('keep leaves the rows in which newer data is, says so, and counts them in the probe as kept', async () => {
    const { adapter, work, rows } = await written()
    const chosen = { ...work, resolution: 'keep' } as const
    expect(await undo(adapter, chosen)).toMatchObject({
      kind: 'applied',
      items: 3,
      notes: ['kept newer data in 2 rows', 'conflicts were resolved by "keep"'],
    })
    // The difference commutes with newer writes, so it is undone even in a row that is kept.
    expect(await rows()).toEqual([
      { id: '1', a: '1', b: '1', n: '10' },
      { id: '2', a: '2', b: '7', n: '110' },
    ])
    expect(await probe(adapter, chosen)).toMatchObject({ kind: 'seen', restored: 1, expected: 3, kept: 2 })
  })

  it('merge restores the fields that are still ours and keeps the others', async () => {
    const { adapter, work, rows } = await written()
    const chosen = { ...work, resolution: 'merge' } as const
    expect(await undo(adapter, chosen)).toMatchObject({ kind: 'applied', items: 3 })
    expect(await rows()).toEqual([
      { id: '1', a: '1', b: '1', n: '10' },
      { id: '2', a: '1', b: '7', n: '110' },
    ])
    expect(await probe(adapter, chosen)).toMatchObject({ kind: 'seen', restored: 1, expected: 3, kept: 2 })
  })

  it('force overwrites newer data, also brings back a row that is gone, and says how much it overwrote', async () => {
    const { adapter, work, rows } = await written()
    const chosen = { ...work, resolution: 'force' } as const
    expect(await undo(adapter, chosen)).toMatchObject({
      kind: 'applied',
      notes: ['overwrote newer data in 2 rows', 'conflicts were resolved by "force"'],
    })
    expect(await rows()).toEqual([
      { id: '1', a: '1', b: '1', n: '10' },
      { id: '2', a: '1', b: '1', n: '110' },
      { id: '3', a: '1', b: '1', n: '10' },
    ])
  })

  it('takes the policy from the table, else from the action, and parks when the actions disagree', async () => {
    const byTable = await written({ onConflict: 'merge' }, { changed: { onConflict: 'force' } })
    expect(await undo(byTable.adapter, byTable.work)).toMatchObject({
      kind: 'applied',
      notes: ['kept newer data in 2 rows'],
    })
    const byAction = await written({}, { changed: { onConflict: 'keep' } })
    expect(await undo(byAction.adapter, byAction.work)).toMatchObject({
      kind: 'applied',
      notes: ['kept newer data in 2 rows'],
    })
    const both = await written(
      { action: 'one' },
      { one: { onConflict: 'keep' }, two: { onConflict: 'force' } },
    )
    const work = {
      ...both.work,
      actions: [both.work.actions[0]!, { ...both.work.actions[0]!, action: 'two' }],
    }
    expect(await undo(both.adapter, work)).toMatchObject({ kind: 'conflict' })
  })

  it('a write of somebody else between two of ours is a conflict, although the last value is ours', async () => {
    const t = await table('id int PRIMARY KEY, balance int, other int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 100, 1), (2, 100, 1)`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('between', `UPDATE ${t} SET balance = 90 WHERE id = 1`)
    await db.sql(`UPDATE ${t} SET balance = 50, other = 5`)
    await db.forward('between', `UPDATE ${t} SET balance = 40 WHERE id = 1`)
    const work = await stepFor(adapter, 'between')
    expect(await undo(adapter, work)).toEqual({
      kind: 'conflict',
      differences: [
        { item: `${db.database}.${t}[id=1]`, field: 'balance', before: '100', after: '40', current: '40' },
      ],
    })
    // A column that we did not change is nobody's business.
    await db.forward('fine', `UPDATE ${t} SET balance = 60 WHERE id = 2`)
    await db.sql(`UPDATE ${t} SET other = 6`)
    await db.forward('fine', `UPDATE ${t} SET balance = 70 WHERE id = 2`)
    expect(await undo(adapter, await stepFor(adapter, 'fine'))).toMatchObject({ kind: 'applied', items: 1 })
    expect(await db.sql(`SELECT * FROM ${t} WHERE id = 2`)).toEqual([{ id: '2', balance: '50', other: '6' }])
  })

  it('an inserted row that others changed is not deleted, and a deleted one that others made anew is not overwritten', async () => {
    const t = await table('id int PRIMARY KEY, a int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1)`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('rows', `INSERT INTO ${t} VALUES (2, 2)`, `DELETE FROM ${t} WHERE id = 1`)
    await db.sql(`UPDATE ${t} SET a = 3 WHERE id = 2`)
    await db.sql(`INSERT INTO ${t} VALUES (1, 9)`)
    const result = await undo(adapter, await stepFor(adapter, 'rows'))
    expect(
      result.kind === 'conflict' && [...result.differences].sort((x, y) => x.item.localeCompare(y.item)),
    ).toEqual([
      { item: `${db.database}.${t}[id=1]`, field: 'a', before: '1', after: null, current: '9' },
      { item: `${db.database}.${t}[id=2]`, field: 'a', before: null, after: '2', current: '3' },
    ])
    expect(await db.sql(`SELECT * FROM ${t} ORDER BY id`)).toEqual([
      { id: '1', a: '9' },
      { id: '2', a: '3' },
    ])
  })

  it('an ignored column neither conflicts nor is overwritten', async () => {
    const t = await table('id int PRIMARY KEY, a int, seen varchar(50)')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1, 'x')`)
    const adapter = await db.adapter({ [t]: { ignore: ['seen'] } })
    await db.forward('ignored', `UPDATE ${t} SET a = 2, seen = 'y'`, `INSERT INTO ${t} VALUES (2, 2, 'y')`)
    await db.sql(`UPDATE ${t} SET seen = 'z'`)
    const work = await stepFor(adapter, 'ignored')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 2 })
    expect(await db.sql(`SELECT * FROM ${t}`)).toEqual([{ id: '1', a: '1', seen: 'z' }])
    expect(await probe(adapter, work)).toMatchObject({ restored: 2, expected: 2 })
  })

  it('a bound that the inverse difference would break is a conflict that names the constraint', async () => {
    const t = await table('id int PRIMARY KEY, stock int, CONSTRAINT stock_not_negative CHECK (stock >= 0)')
    await db.sql(`INSERT INTO ${t} VALUES (1, 5)`)
    const adapter = await db.adapter({ [t]: { delta: ['stock'] } })
    await db.forward('bound', `UPDATE ${t} SET stock = stock + 10`)
    await db.sql(`UPDATE ${t} SET stock = stock - 12`)
    expect(await undo(adapter, await stepFor(adapter, 'bound'))).toMatchObject({
      kind: 'conflict',
      differences: [
        {
          item: `${db.database}.${t}`,
          field: 'stock_not_negative',
          current: expect.stringContaining('stock_not_negative'),
        },
      ],
    })
    expect(await db.sql(`SELECT stock FROM ${t}`)).toEqual([{ stock: '3' }])
  })

  it('a unique value that somebody took since is a conflict that names the constraint', async () => {
    const t = await table('id int PRIMARY KEY, email varchar(50), CONSTRAINT one_email UNIQUE (email)')
    await db.sql(`INSERT INTO ${t} VALUES (1, 'a@x')`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('unique', `DELETE FROM ${t} WHERE id = 1`)
    await db.sql(`INSERT INTO ${t} VALUES (2, 'a@x')`)
    expect(await undo(adapter, await stepFor(adapter, 'unique'))).toMatchObject({
      kind: 'conflict',
      differences: [
        {
          item: `${db.database}.${t}`,
          field: expect.stringContaining('one_email'),
          current: expect.stringContaining('a@x'),
        },
      ],
    })
  })

  it('a row that is locked for longer than the lock time-out is transient, and nothing is done', async () => {
    const t = await table('id int PRIMARY KEY, a int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1)`)
    const adapter = await db.adapter({ [t]: {} }, { adapter: { lockTimeout: '1s' } })
    await db.forward('locked', `UPDATE ${t} SET a = 2`)
    const work = await stepFor(adapter, 'locked')
    const other = await db.connect()
    await other.sql(`BEGIN; UPDATE ${t} SET a = a + 0`)
    expect(await undo(adapter, work)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('Lock wait timeout exceeded'),
    })
    await other.sql('ROLLBACK')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', before: false })
  })

  it('a step that takes longer than the statement time-out is transient, and nothing is done', async () => {
    const t = await table('id int PRIMARY KEY, a int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1)`)
    const adapter = await db.adapter(
      { [t]: {} },
      { adapter: { statementTimeout: '300ms', lockTimeout: '5s' } },
    )
    await db.forward('slow', `UPDATE ${t} SET a = 2`)
    const work = await stepFor(adapter, 'slow')
    const other = await db.connect()
    await other.sql(`BEGIN; UPDATE ${t} SET a = a + 0`)
    expect(await undo(adapter, work)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('max_statement_time'),
    })
    await other.sql('ROLLBACK')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', before: false })
  })

  it('a deadlock with the application is transient, and nothing is done', async () => {
    const t = await table('id int PRIMARY KEY, a int')
    const u = await table('id int PRIMARY KEY, a int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1); INSERT INTO ${u} SELECT seq, 1 FROM seq_1_to_2000`)
    const adapter = await db.adapter({ [t]: {}, [u]: {} }, { adapter: { lockTimeout: '20s' } })
    await db.forward('dead', `UPDATE ${t} SET a = 2`, `UPDATE ${u} SET a = 2 WHERE id = 1`)
    const work = await stepFor(adapter, 'dead')
    const other = await db.connect()
    // Heavier than the undo, so that the server does not choose this one to be given up.
    await other.sql(`BEGIN; UPDATE ${u} SET a = a + 7`)
    const undoing = undo(adapter, work)
    await waitForLock()
    await other.sql(`UPDATE ${t} SET a = a + 7`)
    expect(await undoing).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('Deadlock found'),
    })
    await other.sql('ROLLBACK')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', before: false, items: 2 })
  })

  it('a newer write that commits while the undo waits for its lock is seen, not overwritten', async () => {
    const t = await table('id int PRIMARY KEY, a int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1)`)
    const adapter = await db.adapter({ [t]: {} }, { adapter: { lockTimeout: '20s' } })
    await db.forward('racing', `UPDATE ${t} SET a = 2`)
    const work = await stepFor(adapter, 'racing')
    const other = await db.connect()
    await other.sql(`BEGIN; UPDATE ${t} SET a = 3`)
    const undoing = undo(adapter, work)
    await waitForLock()
    await other.sql('COMMIT')
    expect(await undoing).toMatchObject({
      kind: 'conflict',
      differences: [{ field: 'a', before: '1', after: '2', current: '3' }],
    })
    expect(await db.sql(`SELECT a FROM ${t}`)).toEqual([{ a: '3' }])
  })

  it('differences of concurrent writers are neither lost nor a conflict', async () => {
    const t = await table('id int PRIMARY KEY, n decimal(20,2)')
    await db.sql(`INSERT INTO ${t} VALUES (1, 0)`)
    const adapter = await db.adapter({ [t]: { delta: ['n'] } }, { adapter: { lockTimeout: '20s' } })
    const ids = Array.from({ length: 20 }, (_, i) => `many-${i}`)
    for (const [i, id] of ids.entries()) await db.forward(id, `UPDATE ${t} SET n = n + ${i + 1}.25`)
    const works = await Promise.all(ids.map(id => stepFor(adapter, id)))
    const other = await db.connect()
    const writing = (async () => {
      for (let i = 0; i < 50; i++) await other.sql(`UPDATE ${t} SET n = n + 1000`)
    })()
    const results = await Promise.all(works.filter((_, i) => i % 2 === 0).map(work => undo(adapter, work)))
    await writing
    expect(results.filter(result => result.kind !== 'applied')).toEqual([])
    // Of 1.25 … 20.25 the even ones remain: 2.25 + … + 20.25 = 112.5.
    expect(await db.sql(`SELECT n FROM ${t}`)).toEqual([{ n: '50112.50' }])
    const seen = await Promise.all(works.map(work => probe(adapter, work)))
    expect(seen.map(each => each.kind === 'seen' && each.restored)).toEqual(
      works.map((_, i) => (i % 2 === 0 ? 1 : 0)),
    )
  })
})

/** The server shows its lock waits as they were when it was last asked, unless that was more than a tenth of a second ago. */
async function waitForLock(): Promise<void> {
  for (;;) {
    const rows = await db.sql(
      `SELECT 1 FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
       WHERE t.trx_state = 'LOCK WAIT' AND p.DB = ?`,
      [db.database],
    )
    if (rows.length > 0) return
    await db.sql('SELECT SLEEP(0.12 + RAND() * 0.2)')
  }
}
