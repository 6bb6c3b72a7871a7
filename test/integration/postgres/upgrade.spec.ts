import { describe, expect, it } from 'vitest'
import { preview, probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('upgrade')
const signal = new AbortController().signal

/** Turns what is installed into what generator version 3 left: numbers from a sequence, no horizon, its indexes. */
async function age() {
  await db.sql('CREATE SEQUENCE unwind.tx_id')
  await db.sql(
    'CREATE TEMP TABLE aged AS SELECT id, row_number() OVER (ORDER BY xid DESC) AS old FROM unwind.tx',
  )
  await db.sql('UPDATE unwind.log_1 l SET tx = a.old FROM aged a WHERE a.id = l.tx')
  await db.sql('UPDATE unwind.tx t SET id = a.old FROM aged a WHERE a.id = t.id')
  await db.sql('ALTER TABLE unwind.tx DROP COLUMN horizon')
  await db.sql('CREATE INDEX tx_number ON unwind.tx USING brin (id)')
  await db.sql('CREATE INDEX log_1_seq ON unwind.log_1 USING brin (seq)')
  await db.sql(`UPDATE unwind.captured SET spec = 'of the generator before'`)
}

describe('a capture that an older version installed', () => {
  it('is renewed by install, and what it holds is published, compared with newer writes, and undone', async () => {
    await db.sql('CREATE TABLE t (id int PRIMARY KEY, a int)')
    await db.sql('INSERT INTO t VALUES (1, 1), (2, 1)')
    await db.install({ t: {} })
    await db.forward('first', 'UPDATE t SET a = 2 WHERE id = 1', 'INSERT INTO t VALUES (3, 1)')
    await db.forward('second', 'UPDATE t SET a = 3 WHERE id = 2')
    await age()
    expect(await db.install({ t: {} })).toMatchObject({ installed: ['public.t'], unchanged: [] })
    expect(await db.install({ t: {} })).toMatchObject({ installed: [], unchanged: ['public.t'] })
    const indexes = await db.sql(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'unwind'::regnamespace AND relkind IN ('i', 'S') AND relname ~ '^(tx|log)_' ORDER BY 1`,
    )
    expect(indexes.map(row => row.name)).toEqual(['log_1_tx', 'tx_correlation', 'tx_relay'])

    await db.forward('third', 'DELETE FROM t WHERE id = 3')
    const adapter = db.make({ t: {} })
    await adapter.start()
    const published = await adapter.capture!.next(10, signal)
    expect(published.map(action => [action.correlationId, action.items])).toEqual([
      ['first', 2],
      ['second', 1],
      ['third', 1],
    ])

    const [first, second, third] = [
      await stepFor(adapter, 'first'),
      await stepFor(adapter, 'second'),
      await stepFor(adapter, 'third'),
    ]
    expect((await preview(adapter, first)).conflicts).toMatchObject([
      { item: 'public.t[id=3]', current: expect.stringContaining('correlation ID third') },
    ])
    for (const work of [third, second, first]) {
      expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', notes: [] })
      expect(await probe(adapter, work)).toMatchObject({ kind: 'seen', differences: [] })
    }
    expect(await db.sql('SELECT * FROM t ORDER BY id')).toEqual([
      { id: 1, a: 1 },
      { id: 2, a: 1 },
    ])
  })
})
