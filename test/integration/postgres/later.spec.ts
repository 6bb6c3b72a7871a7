import { describe, expect, it } from 'vitest'
import { preview, probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('later')
let next = 0

/** A table with two rows, captured. `forward` names transactions by letters of the table's own. */
async function room(options: object = {}) {
  const t = `t${next++}`
  await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, a int, b int, n int)`)
  await db.sql(`INSERT INTO ${t} VALUES (1, 1, 1, 10), (2, 1, 1, 10)`)
  const adapter = await db.adapter({ [t]: { delta: ['n'], ...options } })
  const id = (name: string) => `${name}-${t}`
  return {
    t,
    adapter,
    id,
    rows: () => db.sql(`SELECT * FROM ${t} ORDER BY id`),
    forward: (name: string, sql: string) => db.forward(id(name), sql.replaceAll('$t', t)),
    outside: (sql: string) => db.sql(sql.replaceAll('$t', t)),
    step: (name: string, more = {}) => stepFor(adapter, id(name), more),
  }
}

const said = (by: string) =>
  JSON.stringify(
    `as before the action, but only by a later write under correlation ID ${by}: roll that back first, then retry`,
  )

describe('a row that is as before only because a newer business transaction wrote it', () => {
  it.each([
    [
      'inserted, then deleted',
      `INSERT INTO $t VALUES (3, 1, 1, 1)`,
      `DELETE FROM $t WHERE id = 3`,
      3,
      null,
      '"row"',
    ],
    [
      'changed, then changed back',
      `UPDATE $t SET a = 2 WHERE id = 1`,
      `UPDATE $t SET a = 1 WHERE id = 1`,
      1,
      '"row"',
      '"row"',
    ],
    [
      'deleted, then inserted again',
      `DELETE FROM $t WHERE id = 2`,
      `INSERT INTO $t VALUES (2, 1, 1, 10)`,
      2,
      '"row"',
      null,
    ],
    [
      'inserted, then moved to another key',
      `INSERT INTO $t VALUES (3, 1, 1, 1)`,
      `UPDATE $t SET id = 4 WHERE id = 3`,
      3,
      null,
      '"row"',
    ],
  ])(
    '%s: the older undo parks and names the newer one; newest first, all is undone',
    async (_, older, newer, row, before, after) => {
      const { t, id, adapter, rows, forward, step } = await room()
      const start = await rows()
      await forward('older', older)
      await forward('newer', newer)
      const between = await rows()
      const [first, second] = [await step('older'), await step('newer')]
      const differences = [
        { item: `public.${t}[id=${row}]`, field: '', before, after, current: said(id('newer')) },
      ]
      expect(await preview(adapter, first)).toEqual({ items: 1, conflicts: differences, problems: [] })
      expect(await probe(adapter, first)).toMatchObject({
        kind: 'seen',
        expected: 1,
        restored: 0,
        differences,
      })
      expect(await undo(adapter, first)).toEqual({ kind: 'conflict', differences })
      expect(await rows()).toEqual(between)

      for (const work of [second, first]) {
        expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 1, notes: [] })
        expect(await probe(adapter, work)).toMatchObject({
          kind: 'seen',
          expected: 1,
          restored: 1,
          differences: [],
        })
      }
      expect(await rows()).toEqual(start)
    },
  )

  it('is left to a named actor: keep takes it as it is, and says so', async () => {
    const { adapter, rows, forward, step } = await room()
    const start = await rows()
    await forward('older', `INSERT INTO $t VALUES (3, 1, 1, 1), (4, 1, 1, 1)`)
    await forward('newer', `DELETE FROM $t WHERE id = 3`)
    const work = { ...(await step('older')), resolution: 'keep' } as const
    expect(await undo(adapter, work)).toMatchObject({
      kind: 'applied',
      items: 2,
      notes: ['kept newer data in 1 rows', 'conflicts were resolved by "keep"'],
    })
    expect(await rows()).toEqual(start)
  })

  it('also when the newer one began before the older one', async () => {
    const { t, id, adapter, forward, step } = await room()
    const newer = await db.connect()
    await newer.query('BEGIN')
    await newer.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [id('newer')])
    await newer.query(`UPDATE ${t} SET b = 7 WHERE id = 2`)
    await forward('between', `UPDATE $t SET n = n + 1 WHERE id = 1`)
    await forward('older', `INSERT INTO $t VALUES (3, 1, 1, 1)`)
    await newer.query(`DELETE FROM ${t} WHERE id = 3`)
    await newer.query('COMMIT')
    expect(await undo(adapter, await step('older'))).toMatchObject({
      kind: 'conflict',
      differences: [{ item: `public.${t}[id=3]`, current: said(id('newer')) }],
    })
  })

  it('among thousands is found in one pass, and the rows that are ours are left too', async () => {
    const { t, id, adapter, forward, step } = await room()
    await forward('older', `INSERT INTO $t SELECT i, 1, 1, 1 FROM generate_series(11, 4010) i`)
    await forward('newer', `DELETE FROM $t WHERE id > 2010`)
    const work = await step('older')
    const conflict = await undo(adapter, work)
    expect(conflict.kind === 'conflict' && conflict.differences).toHaveLength(100)
    expect(conflict.kind === 'conflict' && new Set(conflict.differences.map(one => one.current))).toEqual(
      new Set([said(id('newer'))]),
    )
    expect(await preview(adapter, work)).toMatchObject({ items: 4_000 })
    expect(await db.sql(`SELECT count(*)::int AS n FROM ${t}`)).toEqual([{ n: 2_002 }])
  })
})

describe('a row that is as before counts as restored', () => {
  it.each([
    ['nobody named wrote it', [['', `DELETE FROM $t WHERE id = 3`]]],
    [
      'the newer one is rolled back already',
      [
        ['newer', `UPDATE $t SET a = 5 WHERE id = 3`],
        ['undo', 'newer'],
        ['', `DELETE FROM $t WHERE id = 3`],
      ],
    ],
    [
      'the newer one changed nothing about it',
      [
        ['newer', `UPDATE $t SET a = a WHERE id = 3`],
        ['', `DELETE FROM $t WHERE id = 3`],
      ],
    ],
    [
      'the newer one only added to what commutes, elsewhere',
      [
        ['newer', `UPDATE $t SET n = n + 1 WHERE id = 2`],
        ['', `DELETE FROM $t WHERE id = 3`],
      ],
    ],
  ])('when %s', async (_, then) => {
    const { adapter, rows, forward, outside, step } = await room()
    await forward('older', `INSERT INTO $t VALUES (3, 1, 1, 1)`)
    for (const [who, what] of then as [string, string][]) {
      if (who === 'undo') expect(await undo(adapter, await step(what))).toMatchObject({ kind: 'applied' })
      else if (who === '') await outside(what)
      else await forward(who, what)
    }
    const work = await step('older')
    expect(await preview(adapter, work)).toMatchObject({ items: 1, conflicts: [] })
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', notes: [] })
    expect(await probe(adapter, work)).toMatchObject({ kind: 'seen', expected: 1, restored: 1 })
    expect((await rows()).map(row => row.id)).toEqual([1, 2])
  })

  it('when the newer one wrote other columns of it', async () => {
    const { adapter, forward, outside, step } = await room()
    await forward('older', `UPDATE $t SET a = 2 WHERE id = 1`)
    await forward('newer', `UPDATE $t SET b = 9, n = n + 5 WHERE id = 1`)
    await outside(`UPDATE $t SET a = 1 WHERE id = 1`)
    expect(await undo(adapter, await step('older'))).toMatchObject({ kind: 'applied', notes: [] })
  })

  it('after its undo, whatever comes later; and a mistaken rollback that was rolled back makes the newer one count again', async () => {
    const { t, id, adapter, forward, outside, step } = await room()
    await forward('older', `INSERT INTO $t VALUES (3, 1, 1, 1)`)
    await forward('newer', `UPDATE $t SET a = 5 WHERE id = 3`)
    const newer = await step('newer')
    expect(await undo(adapter, newer)).toMatchObject({ kind: 'applied' })
    const mistaken = await stepFor(adapter, newer.rollbackId, { rollbackId: `again-${t}` })
    expect(await undo(adapter, mistaken)).toMatchObject({ kind: 'applied' })
    await outside(`DELETE FROM $t WHERE id = 3`)
    expect(await undo(adapter, await step('older'))).toMatchObject({
      kind: 'conflict',
      differences: [{ current: said(id('newer')) }],
    })

    await forward('alone', `INSERT INTO $t VALUES (5, 1, 1, 1)`)
    const alone = await step('alone')
    expect(await undo(adapter, alone)).toMatchObject({ kind: 'applied' })
    await forward('after', `INSERT INTO $t VALUES (5, 2, 2, 2)`)
    await forward('gone', `DELETE FROM $t WHERE id = 5`)
    expect(await probe(adapter, alone)).toMatchObject({ kind: 'seen', restored: 1, expected: 1 })
  })
})
