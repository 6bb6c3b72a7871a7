import { beforeAll, describe, expect, it } from 'vitest'
import type { CapturedAction } from '../../../packages/sidecar/src/adapter/port.js'
import { randomFrom, seedFor } from '../../support/pgbench.js'
import { bench } from './harness.js'

const db = bench('relay')
const signal = new AbortController().signal

describe('the relay of captured actions', () => {
  beforeAll(async () => {
    await db.sql('CREATE TABLE t (id int PRIMARY KEY, a int)')
    await db.sql('INSERT INTO t SELECT i, 0 FROM generate_series(1, 5000) i')
  })

  it('misses no transaction and repeats none, whatever the order in which they commit', async () => {
    const seed = seedFor('out-of-order commits')
    const random = randomFrom(seed)
    const adapter = await db.adapter({ t: {} })
    const clients = await Promise.all(Array.from({ length: 8 }, () => db.connect()))
    const committed = new Set<string>()
    const seen: CapturedAction[] = []
    let writing = true
    const reading = (async () => {
      while (writing || (await pending()) > 0) {
        const batch = await adapter.capture!.next(1 + Math.floor(random() * 20), signal)
        seen.push(...batch)
        const last = batch.at(-1)
        // Sometimes the process dies before it says so: the same actions come again.
        if (last && random() < 0.8) await adapter.capture!.published(last)
        else if (last) seen.splice(seen.length - batch.length)
      }
    })()
    await Promise.all(
      clients.map(async (client, i) => {
        for (let j = 0; j < 60; j++) {
          const id = `o-${i}-${j}`
          await client.query(
            `BEGIN; SET LOCAL unwind.correlation_id = '${id}'; UPDATE t SET a = a + 1 WHERE id = ${i * 100 + j + 1}`,
          )
          // Held open for a while, so that younger transactions commit first.
          for (let k = Math.floor(random() * 4); k > 0; k--) await client.query('SELECT 1')
          const commit = random() < 0.85
          await client.query(commit ? 'COMMIT' : 'ROLLBACK')
          if (commit) committed.add(id)
        }
      }),
    )
    writing = false
    await reading
    expect(seen.map(action => action.correlationId).sort(), `seed ${seed}`).toEqual([...committed].sort())
    expect(new Set(seen.map(action => action.actionId)).size, `seed ${seed}`).toBe(seen.length)
  })

  it('publishes keys, counts and a digest, but no value', async () => {
    const adapter = await db.adapter({ t: {} })
    await db.forward('content', 'UPDATE t SET a = 987654321 WHERE id = 4000')
    const actions = await drain(adapter)
    expect(actions).toEqual([
      {
        actionId: expect.stringMatching(/^orders:\d+$/),
        action: 'changed',
        correlationId: 'content',
        resource: 'public.t[id=4000]',
        occurredAt: expect.any(Number),
        data: expect.stringMatching(/^\{"xid":"\d+","tables":\{"public\.t":\{"updated":1\}\}\}$/),
        items: 1,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        cursor: expect.stringMatching(/^\d+:\d+$/),
      },
    ])
    expect(JSON.stringify(actions)).not.toContain('987654321')
  })

  it('lets one process relay at a time, and the next one when that is gone', async () => {
    const first = await db.adapter({ t: {} })
    const second = db.make({ t: {} })
    expect(await first.capture!.next(10, signal)).toEqual([])
    await db.forward('lease', 'UPDATE t SET a = 5 WHERE id = 4001')
    expect(await second.capture!.next(10, signal)).toEqual([])
    await expect.poll(() => first.capture!.next(10, signal), { timeout: 20_000 }).toHaveLength(1)
    await first.stop()
    await expect.poll(() => second.capture!.next(10, signal), { timeout: 20_000 }).toHaveLength(1)
  })

  it('goes on after its connection was cut, from the cursor', async () => {
    const adapter = await db.adapter({ t: {} })
    const last = (await drain(adapter)).at(-1)
    await db.forward('cut', 'UPDATE t SET a = 6 WHERE id = 4002')
    await db.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    await expect
      .poll(async () =>
        (await adapter.capture!.next(10, signal).catch(() => [])).map(action => action.correlationId),
      )
      .toEqual(['cut'])
    expect(last?.correlationId).not.toBe('cut')
  })

  it('keeps up: thousands of transactions a second', async () => {
    const adapter = await db.adapter({ t: {} })
    await drain(adapter)
    const client = await db.connect()
    await client.query(`DO $$ BEGIN FOR i IN 1..5000 LOOP
      PERFORM set_config('unwind.correlation_id', 'k' || i, true); UPDATE t SET a = a + 1 WHERE id = i; COMMIT; END LOOP; END $$`)
    const began = performance.now()
    const actions = await drain(adapter)
    const rate = (actions.length / (performance.now() - began)) * 1_000
    console.log(`relay: ${Math.round(rate)} transactions/s`)
    expect(actions).toHaveLength(5_000)
    expect(rate).toBeGreaterThan(2_000)
  })

  it('prunes what is published and older than the retention, and only that', async () => {
    const adapter = await db.adapter({ t: {} })
    await drain(adapter)
    await db.forward('kept', 'UPDATE t SET a = 7 WHERE id = 4003')
    const [before] = await db.sql('SELECT count(*)::int AS n FROM unwind.tx')
    expect(await db.sql(`SELECT unwind.prune(now() + interval '1 second', 100000)::int AS n`)).toEqual([
      { n: Number(before!.n) - 1 },
    ])
    expect(await db.sql('SELECT correlation_id FROM unwind.tx')).toEqual([{ correlation_id: 'kept' }])
    expect(await db.sql('SELECT count(*)::int AS n FROM unwind.log_1')).toEqual([{ n: 1 }])
  })

  const pending = async () =>
    Number(
      (
        await db.sql(
          'SELECT count(*) AS n FROM unwind.tx t, unwind.relay r WHERE (t.xid, t.id) > (r.xid, r.id)',
        )
      )[0]!.n,
    )

  const drain = async (adapter: Awaited<ReturnType<typeof db.adapter>>) => {
    const all: CapturedAction[] = []
    // Another connection's transaction may hold the horizon for a moment, so an empty batch is not the end.
    while ((await pending()) > 0) {
      const batch = await adapter.capture!.next(1_000, signal)
      all.push(...batch)
      if (batch.length > 0) await adapter.capture!.published(batch.at(-1)!)
    }
    return all
  }
})
