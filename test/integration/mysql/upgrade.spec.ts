import { expect, it } from 'vitest'
import { found, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('upgrade')

it('a capture that generator version 2 installed is renewed by install, and goes on with its entries', async () => {
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, a int)')
  await db.sql('INSERT INTO t VALUES (1, 1), (2, 1)')
  await db.install({ t: {} })
  const c = db.capture
  await db.forward('before', 'UPDATE t SET a = 2 WHERE id = 1')
  await db.sql(`ALTER TABLE ${c}.open ADD KEY correlation_id (correlation_id)`)
  await db.sql(`UPDATE ${c}.meta SET generator = 2`)
  await db.sql(`UPDATE ${c}.captured SET spec = ''`)
  expect(await db.install({ t: {} })).toMatchObject({ installed: [`${db.database}.t`] })
  expect(await db.install({ t: {} })).toMatchObject({ installed: [], unchanged: [`${db.database}.t`] })
  const indexes = await db.sql(
    `SELECT DISTINCT INDEX_NAME AS name FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'open' ORDER BY 1`,
    [c],
  )
  expect(indexes.map(row => row.name)).toEqual(['PRIMARY', 'slot'])
  await db.forward('after', 'UPDATE t SET a = 3 WHERE id = 2')
  const adapter = db.make({ t: {} })
  await adapter.start()
  expect(await found(adapter, 'before')).toHaveLength(1)
  for (const id of ['after', 'before'])
    expect(await undo(adapter, await stepFor(adapter, id))).toMatchObject({ kind: 'applied', items: 1 })
  expect(await db.sql('SELECT * FROM t ORDER BY id')).toEqual([
    { id: '1', a: '1' },
    { id: '2', a: '1' },
  ])
})

it('the index that the server makes for the foreign key of an older installation has the name that is asked for', async () => {
  await db.sql('CREATE TABLE parent (slot INT, marked TINYINT, PRIMARY KEY (slot, marked)) ENGINE=InnoDB')
  await db.sql(
    'CREATE TABLE child (id INT PRIMARY KEY, slot INT, passed TINYINT, FOREIGN KEY (slot, passed) REFERENCES parent (slot, marked)) ENGINE=InnoDB',
  )
  const indexes = await db.sql(
    `SELECT DISTINCT INDEX_NAME AS name FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'child' ORDER BY 1`,
    [db.database],
  )
  expect(indexes.map(row => row.name)).toEqual(['PRIMARY', 'slot'])
})
