import { beforeAll, describe, expect, it } from 'vitest'
import type { Adapter, CapturedAction } from '../../../packages/sidecar/src/adapter/port.js'
import { randomFrom, seedFor } from '../../support/pgbench.js'
import { type Bench, bench } from './harness.js'

const db: Bench = bench('relay')
const signal = new AbortController().signal

describe('the relay of captured actions', () => {
  beforeAll(async () => {
    await db.sql('CREATE TABLE t (id int PRIMARY KEY, a int)')
    await db.sql('INSERT INTO t SELECT seq, 0 FROM seq_1_to_10000')
  })

  it('does not miss a transaction that began first and commits last', async () => {
    const adapter = await db.adapter({ t: {} })
    const [slow, quick] = [await db.connect(), await db.connect()]
    await slow.sql(`SET @unwind_correlation_id = 'slow'; BEGIN; UPDATE t SET a = 1 WHERE id = 1`)
    await quick.sql(`SET @unwind_correlation_id = 'quick'; BEGIN; UPDATE t SET a = 1 WHERE id = 2; COMMIT`)
    const first = await adapter.capture!.next(10, signal)
    expect(first.map(action => action.correlationId)).toEqual(['quick'])
    await adapter.capture!.published(first.at(-1)!)
    await slow.sql('COMMIT')
    const second = await adapter.capture!.next(10, signal)
    expect(second.map(action => action.correlationId)).toEqual(['slow'])
    await adapter.capture!.published(second.at(-1)!)
    // It began first, so its number is the smaller one.
    const number = (action: CapturedAction) => Number(action.actionId.split(':')[1])
    expect(number(second[0]!)).toBeLessThan(number(first[0]!))
    expect(await adapter.capture!.next(10, signal)).toEqual([])
  })

  it('puts a transaction after the one that it waited for, although it began before it', async () => {
    const adapter = await db.adapter({ t: {} })
    const [early, late] = [await db.connect(), await db.connect()]
    await early.sql(`SET @unwind_correlation_id = 'early'; BEGIN; UPDATE t SET a = 1 WHERE id = 10`)
    await late.sql(`SET @unwind_correlation_id = 'late'; BEGIN; UPDATE t SET a = 1 WHERE id = 11`)
    const waiting = early.sql('UPDATE t SET a = 2 WHERE id = 11')
    await late.sql('COMMIT')
    await waiting
    await early.sql('COMMIT')
    expect((await drain(adapter)).map(action => action.correlationId)).toEqual(['late', 'early'])
  })

  it('holds back what may depend on an entry that its session is just continuing', async () => {
    const adapter = await db.adapter({ t: {} })
    const [going, next] = [await db.connect(), await db.connect()]
    await going.sql(`SET @unwind_correlation_id = 'going'; BEGIN; UPDATE t SET a = 1 WHERE id = 20; COMMIT`)
    await next.sql(`SET @unwind_correlation_id = 'next'; BEGIN; UPDATE t SET a = 2 WHERE id = 20; COMMIT`)
    await going.sql('BEGIN; UPDATE t SET a = 1 WHERE id = 21')
    expect(await adapter.capture!.next(10, signal)).toEqual([])
    await going.sql('COMMIT')
    // One entry: its last change is the later one, and depends on nothing.
    expect((await drain(adapter)).map(action => [action.correlationId, action.items])).toEqual([
      ['next', 1],
      ['going', 2],
    ])
  })

  it('publishes every committed transaction exactly once and in an order that agrees with the rows, under random interleaving', async () => {
    const seed = seedFor('relay interleaving')
    const adapter = await db.adapter({ t: {} })
    const committed = new Set<string>()
    const seen: CapturedAction[] = []
    let writing = true
    const reading = (async () => {
      for (;;) {
        const last = !writing
        const batch = await adapter.capture!.next(7, signal)
        seen.push(...batch)
        if (batch.length > 0) await adapter.capture!.published(batch.at(-1)!)
        else if (last) return
      }
    })()
    await Promise.all(
      Array.from({ length: 6 }, async (_, worker) => {
        const random = randomFrom(seed + worker)
        const client = await db.connect()
        for (let i = 0; i < 40; i++) {
          const id = `w${worker}-${i}`
          const one = 100 + Math.floor(random() * 10)
          await client.sql(`SET @unwind_correlation_id = '${id}'; BEGIN`)
          // In the order of the keys, so that none of them is a deadlock.
          await client.sql(`UPDATE t SET a = a + 1 WHERE id = ${one}`)
          for (let k = Math.floor(random() * 4); k > 0; k--) await client.sql('SELECT 1')
          await client.sql(`UPDATE t SET a = a + 1 WHERE id = ${one + 100}`)
          const commit = random() < 0.85
          await client.sql(commit ? 'COMMIT' : 'ROLLBACK')
          if (commit) committed.add(id)
        }
      }),
    )
    writing = false
    await reading
    expect(seen.map(action => action.correlationId).sort(), `seed ${seed}`).toEqual([...committed].sort())
    expect(new Set(seen.map(action => action.actionId)).size, `seed ${seed}`).toBe(seen.length)
    // On each row, the order in the log (the order of the commits of those that wrote it) is the order of publication.
    const places = new Map(seen.map((action, place) => [action.actionId.split(':')[1]!, place]))
    const log = await db.sql(
      `SELECT tx, o1 AS id FROM ${db.capture}.log_1 WHERE o1 BETWEEN 100 AND 300 ORDER BY o1, seq`,
    )
    const orders = new Map<string, number[]>()
    for (const row of log) orders.set(row.id!, [...(orders.get(row.id!) ?? []), places.get(row.tx!)!])
    for (const [id, order] of orders)
      expect(order, `seed ${seed}, row ${id}`).toEqual([...order].sort((a, b) => a - b))
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
        resource: `${db.database}.t[id=4000]`,
        occurredAt: expect.any(Number),
        data: expect.stringMatching(/^\{"entry":"\d+","tables":\{"[^"]+\.t":\{"updated":1\}\}\}$/),
        items: 1,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        cursor: expect.stringMatching(/^\d+$/),
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
    expect(await first.capture!.next(10, signal)).toHaveLength(1)
    await first.stop()
    await expect.poll(() => second.capture!.next(10, signal), { timeout: 20_000 }).toHaveLength(1)
    await drain(second)
  })

  it('goes on after its connection was cut, from the cursor', async () => {
    const adapter = await db.adapter({ t: {} })
    await drain(adapter)
    await db.forward('cut', 'UPDATE t SET a = 6 WHERE id = 4002')
    const others = await db.sql(
      `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = '${db.database}' AND ID <> CONNECTION_ID()`,
    )
    for (const { id } of others) await db.sql(`KILL ${id}`).catch(() => undefined)
    await expect
      .poll(async () =>
        (await adapter.capture!.next(10, signal).catch(() => [])).map(action => action.correlationId),
      )
      .toEqual(['cut'])
    await drain(adapter)
  })

  it('keeps up: many transactions a second', async () => {
    const adapter = await db.adapter({ t: {} })
    await drain(adapter)
    const client = await db.connect()
    const statements = Array.from(
      { length: 3_000 },
      (_, i) => `SET @unwind_correlation_id = 'k${i}'; UPDATE t SET a = a + 1 WHERE id = ${i + 1}`,
    )
    await client.sql(`SET SESSION innodb_lock_wait_timeout = 50; ${statements.join(';')}`)
    const began = performance.now()
    const actions = await drain(adapter)
    const rate = (actions.length / (performance.now() - began)) * 1_000
    console.log(`relay: ${Math.round(rate)} transactions/s`)
    expect(actions).toHaveLength(3_000)
    expect(rate).toBeGreaterThan(500)
  })

  it('prunes what is published and older than the retention, and only that', async () => {
    let adapter = await db.adapter({ t: {} })
    await drain(adapter)
    await db.forward('kept', 'UPDATE t SET a = 7 WHERE id = 4003')
    await adapter.stop()
    const { prune } = await import('../../../packages/sidecar/src/adapters/mysql/step/prune.js')
    const { CapturedTables } = await import('../../../packages/sidecar/src/adapters/mysql/step/captured.js')
    const [before] = await db.sql(`SELECT count(*) AS n FROM ${db.capture}.entry`)
    const session = await db.session()
    const went = await prune(
      session,
      db.capture,
      new CapturedTables(db.capture),
      Date.now() + 3_600_000,
      100_000,
    )
    expect(went).toBe(Number(before!.n))
    const left = ['entry', 'open'].map(name => db.sql(`SELECT correlation_id FROM ${db.capture}.${name}`))
    expect((await Promise.all(left)).flat()).toEqual([{ correlation_id: 'kept' }])
    expect(await db.sql(`SELECT count(*) AS n FROM ${db.capture}.log_1`)).toEqual([{ n: '1' }])
    adapter = db.make({ t: {} })
    expect((await drain(adapter)).map(action => action.correlationId)).toEqual(['kept'])
  })

  const drain = async (adapter: Adapter) => {
    const all: CapturedAction[] = []
    for (;;) {
      const batch = await adapter.capture!.next(1_000, signal)
      if (batch.length === 0) return all
      all.push(...batch)
      await adapter.capture!.published(batch.at(-1)!)
    }
  }
})
