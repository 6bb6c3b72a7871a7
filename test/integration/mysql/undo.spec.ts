import { describe, expect, it } from 'vitest'
import { found, preview, probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('undo')
let next = 0

/** A table of its own for each test. */
async function table(columns: string): Promise<string> {
  const name = `t${next++}`
  await db.sql(`CREATE TABLE ${name} (${columns})`)
  return name
}

describe('a step of the mysql adapter', () => {
  it('puts back an updated row, deletes an inserted one and re-inserts a deleted one', async () => {
    const t = await table('id int PRIMARY KEY, state varchar(20), note text')
    await db.sql(`INSERT INTO ${t} VALUES (1, 'new', NULL), (2, 'new', 'gift')`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward(
      'c1',
      `UPDATE ${t} SET state = 'paid' WHERE id = 1`,
      `DELETE FROM ${t} WHERE id = 2`,
      `INSERT INTO ${t} VALUES (3, 'new', 'x')`,
    )
    const work = await stepFor(adapter, 'c1')
    expect(work.actions).toHaveLength(1)
    expect(JSON.parse(work.actions[0]!.data)).toEqual({
      entry: expect.stringMatching(/^\d+$/),
      tables: { [`${db.database}.${t}`]: { inserted: 1, updated: 1, deleted: 1 } },
    })
    expect(await probe(adapter, work)).toMatchObject({ kind: 'seen', restored: 0, expected: 3, kept: 0 })
    expect(await preview(adapter, work)).toEqual({ items: 3, conflicts: [], problems: [] })

    expect(await undo(adapter, work)).toEqual({
      kind: 'applied',
      before: false,
      items: 3,
      fromDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      notes: [],
    })

    expect(await db.sql(`SELECT * FROM ${t} ORDER BY id`)).toEqual([
      { id: '1', state: 'new', note: null },
      { id: '2', state: 'new', note: 'gift' },
    ])
    expect(await probe(adapter, work)).toMatchObject({
      kind: 'seen',
      restored: 3,
      expected: 3,
      kept: 0,
      differences: [],
    })
  })

  it('does nothing twice: the second call returns the stored outcome', async () => {
    const t = await table('id int PRIMARY KEY, n int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 100)`)
    const adapter = await db.adapter({ [t]: { delta: ['n'] } })
    await db.forward('c2', `UPDATE ${t} SET n = n + 7 WHERE id = 1`)
    const work = await stepFor(adapter, 'c2')
    const first = await undo(adapter, work)
    expect(first).toMatchObject({ kind: 'applied', before: false, items: 1 })
    for (let i = 0; i < 10; i++) expect(await undo(adapter, work)).toEqual({ ...first, before: true })
    expect(await db.sql(`SELECT n FROM ${t}`)).toEqual([{ n: '100' }])
  })

  it('has one effect when many processes call at once', async () => {
    const t = await table('id int PRIMARY KEY, n int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 100)`)
    const adapter = await db.adapter({ [t]: { delta: ['n'] } })
    await db.forward('c3', `UPDATE ${t} SET n = n + 7 WHERE id = 1`)
    const work = await stepFor(adapter, 'c3')
    const others = [db.make({ [t]: { delta: ['n'] } }), db.make({ [t]: { delta: ['n'] } })]
    const results = await Promise.all([adapter, ...others, adapter, ...others].map(each => undo(each, work)))
    expect(results.filter(result => result.kind === 'applied' && !result.before)).toHaveLength(1)
    expect(results.filter(result => result.kind === 'applied')).toHaveLength(6)
    expect(await db.sql(`SELECT n FROM ${t}`)).toEqual([{ n: '100' }])
  })

  it('finds the effect when the process dies between the effect and its outcome', async () => {
    const t = await table('id int PRIMARY KEY, state varchar(20)')
    await db.sql(`INSERT INTO ${t} VALUES (1, 'new')`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('c4', `UPDATE ${t} SET state = 'paid'`)
    const work = await stepFor(adapter, 'c4')
    const dying = db.make(
      { [t]: {} },
      {
        failpoint: async name => {
          if (name === 'mysql.undo.after') throw new Error('killed')
        },
      },
    )
    await expect(undo(dying, work)).rejects.toThrow('killed')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', before: true, items: 1 })
    expect(await probe(adapter, work)).toMatchObject({ restored: 1, expected: 1 })
  })

  it('collapses several changes of one row to the first before-image', async () => {
    const t = await table('id int PRIMARY KEY, a int, b int, n int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1, 1, 10), (2, 1, 1, 10), (4, 4, 4, 4)`)
    const adapter = await db.adapter({ [t]: { delta: ['n'] } })
    await db.forward(
      'c5',
      `UPDATE ${t} SET a = 2, n = n + 1 WHERE id = 1`,
      `UPDATE ${t} SET a = 3, b = 3, n = n + 2 WHERE id = 1`,
      `DELETE FROM ${t} WHERE id = 2`,
      `INSERT INTO ${t} VALUES (2, 9, 9, 9)`,
      `INSERT INTO ${t} VALUES (3, 1, 1, 1)`,
      `UPDATE ${t} SET a = 5 WHERE id = 3`,
      `INSERT INTO ${t} VALUES (5, 1, 1, 1)`,
      `DELETE FROM ${t} WHERE id = 5`,
      `UPDATE ${t} SET a = 8 WHERE id = 4`,
      `DELETE FROM ${t} WHERE id = 4`,
    )
    const work = await stepFor(adapter, 'c5')
    expect(await preview(adapter, work)).toEqual({ items: 4, conflicts: [], problems: [] })
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 4 })
    expect(await db.sql(`SELECT * FROM ${t} ORDER BY id`)).toEqual([
      { id: '1', a: '1', b: '1', n: '10' },
      { id: '2', a: '1', b: '1', n: '10' },
      { id: '4', a: '4', b: '4', n: '4' },
    ])
    expect(await probe(adapter, work)).toMatchObject({ restored: 4, expected: 4, differences: [] })
  })

  it('undoes an undo: a mistaken rollback is rolled back', async () => {
    const t = await table('id int PRIMARY KEY, a int, n int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 1, 10)`)
    const adapter = await db.adapter({ [t]: { delta: ['n'] } })
    await db.forward(
      'c6',
      `UPDATE ${t} SET a = 2, n = n + 5 WHERE id = 1`,
      `INSERT INTO ${t} VALUES (2, 2, 2)`,
    )
    await undo(adapter, await stepFor(adapter, 'c6', { rollbackId: 'rb-mistaken' }))
    expect(await found(adapter, 'rb-mistaken')).toHaveLength(1)
    const again = await stepFor(adapter, 'rb-mistaken')
    expect(await undo(adapter, again)).toMatchObject({ kind: 'applied', items: 2 })
    expect(await db.sql(`SELECT * FROM ${t} ORDER BY id`)).toEqual([
      { id: '1', a: '2', n: '15' },
      { id: '2', a: '2', n: '2' },
    ])
    expect(await probe(adapter, again)).toMatchObject({ restored: 2, expected: 2 })
  })

  it('undoes ten thousand rows in one step, and memory stays where it was', async () => {
    const t = await table('id int PRIMARY KEY, a int, filler char(80)')
    await db.sql(`INSERT INTO ${t} SELECT seq, 0, 'x' FROM seq_1_to_10000`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('c7', `UPDATE ${t} SET a = a + 1`)
    const work = await stepFor(adapter, 'c7')
    const began = performance.now()
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 10_000 })
    console.log(`undo: ${Math.round(10_000 / ((performance.now() - began) / 1_000))} rows/s`)
    expect(await probe(adapter, work)).toMatchObject({ restored: 10_000, expected: 10_000 })
    expect(await db.sql(`SELECT SUM(a) AS sum FROM ${t}`)).toEqual([{ sum: '0' }])
  })
})
