import { describe, expect, it } from 'vitest'
import type { Adapter } from '../../packages/sidecar/src/adapter/port.js'
import { preview, probe, stepFor, undo } from './steps.js'

/** A database with capture, whichever it is: what a spec's `bench` gives. */
interface Captured {
  sql(text: string): Promise<object[]>
  forward(correlationId: string, ...statements: string[]): Promise<void>
  adapter(tables: Record<string, object>): Promise<Adapter>
}

/** What any captured database has to do with rows whose keys change. */
export function movingKeys(db: Captured): void {
  let next = 0
  const name = () => `k${next++}`
  const all = (table: string) => db.sql(`SELECT * FROM ${table} ORDER BY 1, 2`)

  describe('rows whose keys change', () => {
    it('follows composite keys that change, also through several changes and onto each other', async () => {
      const t = name()
      await db.sql(`CREATE TABLE ${t} (a int, b varchar(5), v int, PRIMARY KEY (a, b))`)
      await db.sql(`INSERT INTO ${t} VALUES (1, 'x', 1), (2, 'x', 2), (3, 'x', 3)`)
      const before = await all(t)
      const adapter = await db.adapter({ [t]: {} })
      await db.forward(
        'keys',
        `UPDATE ${t} SET a = 10 WHERE a = 1`,
        `UPDATE ${t} SET v = 9 WHERE a = 10`,
        `UPDATE ${t} SET a = 1 WHERE a = 2`,
        `UPDATE ${t} SET b = 'y' WHERE a = 10`,
      )
      await db.forward(
        'keys',
        `DELETE FROM ${t} WHERE a = 3`,
        `INSERT INTO ${t} VALUES (4, 'x', 1)`,
        `UPDATE ${t} SET a = 3 WHERE a = 4`,
      )
      const work = await stepFor(adapter, 'keys')
      expect(work.actions).toHaveLength(2)
      expect(await preview(adapter, work)).toEqual({ items: 3, conflicts: [], problems: [] })
      expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 3 })
      expect(await all(t)).toEqual(before)
      expect(await probe(adapter, work)).toMatchObject({ restored: 3, expected: 3 })
    })

    it('undoes keys that went round in a circle', async () => {
      const t = name()
      await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, v int)`)
      await db.sql(`INSERT INTO ${t} VALUES (1, 1), (2, 2), (3, 3), (5, 5)`)
      const before = await all(t)
      const adapter = await db.adapter({ [t]: {} })
      await db.forward(
        'circle',
        ...[
          `UPDATE ${t} SET id = 99 WHERE id = 1`,
          `UPDATE ${t} SET id = 1 WHERE id = 2`,
          `UPDATE ${t} SET id = 2 WHERE id = 99`,
        ],
        ...[`DELETE FROM ${t} WHERE id = 3`, `UPDATE ${t} SET id = 3 WHERE id = 5`],
      )
      const work = await stepFor(adapter, 'circle')
      expect(await probe(adapter, work)).toMatchObject({ restored: 0, expected: 4 })
      expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 4 })
      expect(await all(t)).toEqual(before)
      expect(await probe(adapter, work)).toMatchObject({ restored: 4, expected: 4 })
    })

    it('proves the undo of a row that moved away and of another one that was inserted under its old key', async () => {
      const t = name()
      await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, v int)`)
      await db.sql(`INSERT INTO ${t} VALUES (1, -650), (2, 7)`)
      const before = await all(t)
      const adapter = await db.adapter({ [t]: {} })
      await db.forward(
        'moved away',
        `UPDATE ${t} SET id = 11 WHERE id = 1`,
        `INSERT INTO ${t} VALUES (1, 1855)`,
        `UPDATE ${t} SET id = 12 WHERE id = 2`,
        `INSERT INTO ${t} VALUES (2, 7)`,
      )
      const work = await stepFor(adapter, 'moved away')
      expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 4 })
      expect(await all(t)).toEqual(before)
      expect(await probe(adapter, work)).toMatchObject({ restored: 4, expected: 4, differences: [] })
      await db.sql(`UPDATE ${t} SET v = 8 WHERE id = 1`)
      expect(await probe(adapter, work)).not.toMatchObject({ restored: 4 })
    })
  })
}
