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

describe('a step of the postgres adapter', () => {
  it('puts back an updated row, deletes an inserted one and re-inserts a deleted one', async () => {
    const t = await table('id int PRIMARY KEY, state text, note text')
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
      xid: expect.stringMatching(/^\d+$/),
      tables: { [`public.${t}`]: { inserted: 1, updated: 1, deleted: 1 } },
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
      { id: 1, state: 'new', note: null },
      { id: 2, state: 'new', note: 'gift' },
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
    expect(await db.sql(`SELECT n FROM ${t}`)).toEqual([{ n: 100 }])
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
    expect(await db.sql(`SELECT n FROM ${t}`)).toEqual([{ n: 100 }])
  })

  it('says that nothing happened when the process dies between the effect and its outcome, and then finds the effect', async () => {
    const t = await table('id int PRIMARY KEY, state text')
    await db.sql(`INSERT INTO ${t} VALUES (1, 'new')`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('c4', `UPDATE ${t} SET state = 'paid'`)
    const work = await stepFor(adapter, 'c4')
    const dying = db.make(
      { [t]: {} },
      {
        failpoint: async name => {
          if (name === 'postgres.undo.after') throw new Error('killed')
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
      `INSERT INTO ${t} VALUES (3, 1, 1, 1)`,
      `UPDATE ${t} SET a = 9 WHERE id = 3`,
    )
    await db.forward(
      'c5',
      `UPDATE ${t} SET a = 3, b = 2, n = n + 1 WHERE id = 1`,
      `UPDATE ${t} SET b = 5 WHERE id = 2`,
      `DELETE FROM ${t} WHERE id = 2`,
    )
    await db.forward(
      'c5',
      `DELETE FROM ${t} WHERE id = 3`,
      `DELETE FROM ${t} WHERE id = 4`,
      `INSERT INTO ${t} VALUES (4, 4, 5, 6)`,
    )
    await db.sql(`UPDATE ${t} SET n = n + 100 WHERE id = 1`)
    const work = await stepFor(adapter, 'c5')
    expect(work.actions).toHaveLength(3)
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 3 })
    expect(await db.sql(`SELECT * FROM ${t} ORDER BY id`)).toEqual([
      { id: 1, a: 1, b: 1, n: 110 },
      { id: 2, a: 1, b: 1, n: 10 },
      { id: 4, a: 4, b: 4, n: 4 },
    ])
    expect(await probe(adapter, work)).toMatchObject({ restored: 3, expected: 3, differences: [] })
  })

  it('leaves alone what another column or an uncorrelated transaction changed', async () => {
    const t = await table('id int PRIMARY KEY, state text, note text')
    await db.sql(`INSERT INTO ${t} VALUES (1, 'new', 'a')`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('c6', `UPDATE ${t} SET state = 'paid'`)
    await db.sql(`UPDATE ${t} SET note = 'b'`)
    const work = await stepFor(adapter, 'c6')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 1 })
    expect(await db.sql(`SELECT * FROM ${t}`)).toEqual([{ id: 1, state: 'new', note: 'b' }])
  })

  it('does nothing where the row is already as it was before', async () => {
    const t = await table('id int PRIMARY KEY, state text')
    await db.sql(`INSERT INTO ${t} VALUES (1, 'new'), (2, 'new')`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward(
      'c7',
      `UPDATE ${t} SET state = 'paid' WHERE id = 1`,
      `INSERT INTO ${t} VALUES (3, 'x')`,
      `DELETE FROM ${t} WHERE id = 2`,
    )
    await db.sql(`UPDATE ${t} SET state = 'new'`)
    await db.sql(`DELETE FROM ${t} WHERE id = 3`)
    await db.sql(`INSERT INTO ${t} VALUES (2, 'new')`)
    const work = await stepFor(adapter, 'c7')
    expect(await undo(adapter, work)).toEqual({
      kind: 'applied',
      before: false,
      items: 3,
      fromDigest: null,
      notes: [],
    })
    expect(await probe(adapter, work)).toMatchObject({ restored: 3, expected: 3 })
  })

  it('is itself an action under the rollback ID, so that it can be rolled back', async () => {
    const t = await table('id int PRIMARY KEY, state text, n int')
    await db.sql(`INSERT INTO ${t} VALUES (1, 'new', 5)`)
    const adapter = await db.adapter({ [t]: { delta: ['n'] } })
    await db.forward('c8', `UPDATE ${t} SET state = 'paid', n = n + 3`, `INSERT INTO ${t} VALUES (2, 'x', 1)`)
    await undo(adapter, await stepFor(adapter, 'c8', { rollbackId: 'rb8' }))
    expect(await found(adapter, 'rb8', 'rb8-again')).toHaveLength(1)
    expect(await found(adapter, 'c8', 'other')).toHaveLength(1)
    const again = await stepFor(adapter, 'rb8', { rollbackId: 'rb8-again', key: 'rb8-again/orders' })
    expect(await undo(adapter, again)).toMatchObject({ kind: 'applied', items: 2 })
    expect(await db.sql(`SELECT * FROM ${t} ORDER BY id`)).toEqual([
      { id: 1, state: 'paid', n: 8 },
      { id: 2, state: 'x', n: 1 },
    ])
  })
})
