import { beforeAll, describe, expect, it } from 'vitest'
import { found, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('fence')
const signal = new AbortController().signal

describe('the fence', () => {
  beforeAll(async () => {
    await db.sql('CREATE TABLE t (id int PRIMARY KEY, a int)')
    await db.sql('INSERT INTO t SELECT i, 0 FROM generate_series(1, 1000) i')
    await db.sql('CREATE TABLE stock (id int PRIMARY KEY, order_no int, n int)')
    await db.sql('INSERT INTO stock SELECT i, i, 0 FROM generate_series(1, 200) i')
  })
  const tables = { t: {}, stock: { correlation: { column: 'order_no', prefix: 'order-' } } }

  it('finds every action of each correlation ID in one call, and is idempotent', async () => {
    const adapter = await db.adapter(tables)
    await db.forward('f1', 'UPDATE t SET a = 1 WHERE id = 1')
    await db.forward('f1', 'UPDATE t SET a = 1 WHERE id = 2', 'DELETE FROM t WHERE id = 3')
    await db.forward('f2', 'UPDATE t SET a = 1 WHERE id = 4')
    const requests = ['f1', 'f2', 'nobody'].map(correlationId => ({
      correlationId,
      rollbackId: `rb-${correlationId}`,
    }))
    const reports = await adapter.fence(requests, signal)
    expect(
      reports.map(report => [report.rollbackId, report.kind === 'fenced' && report.found.length]),
    ).toEqual([
      ['rb-f1', 2],
      ['rb-f2', 1],
      ['rb-nobody', 0],
    ])
    expect(reports[0]!.kind === 'fenced' && reports[0]!.found[0]).toEqual({
      actionId: expect.stringMatching(/^orders:\d+$/),
      action: 'changed',
      resource: 'public.t[id=1]',
      occurredAt: expect.closeTo(Date.now(), -5),
      data: expect.stringMatching(/^\{"xid":"\d+","tables":\{"public\.t":\{"updated":1\}\}\}$/),
    })
    expect(await adapter.fence(requests, signal)).toEqual(reports)
  })

  it('a column gives the correlation ID where the application cannot; one transaction then has an action for each ID', async () => {
    const adapter = await db.adapter(tables)
    await db.sql('UPDATE stock SET n = 5 WHERE id IN (1, 2)')
    const [one, two] = [await found(adapter, 'order-1'), await found(adapter, 'order-2')]
    expect([one, two].map(list => list.map(action => action.resource))).toEqual([
      ['public.stock[id=1]'],
      ['public.stock[id=2]'],
    ])
    expect(one[0]!.actionId).not.toBe(two[0]!.actionId)
    expect([one[0]!.actionId, two[0]!.actionId].sort()[1]).toMatch(/\.1$/)
    expect(await undo(adapter, await stepFor(adapter, 'order-2'))).toMatchObject({
      kind: 'applied',
      items: 1,
    })
    expect(await db.sql('SELECT id, n FROM stock WHERE id <= 2 ORDER BY id')).toEqual([
      { id: 1, n: 5 },
      { id: 2, n: 0 },
    ])
    // The undo wrote rows of order 2, but it is no late action of it.
    expect(await found(adapter, 'order-2', 'again')).toHaveLength(1)
  })

  it('waits for a forward transaction in flight and then knows what it did', async () => {
    const adapter = await db.adapter(tables)
    const app = await db.connect()
    await app.query(`BEGIN; SET LOCAL unwind.correlation_id = 'inflight'; UPDATE t SET a = 2 WHERE id = 10`)
    const fencing = adapter.fence(
      [
        { correlationId: 'inflight', rollbackId: 'rb' },
        { correlationId: 'other', rollbackId: 'rb2' },
      ],
      signal,
    )
    await waiting()
    await app.query('COMMIT')
    const reports = await fencing
    expect(reports.map(report => report.kind === 'fenced' && report.found.length)).toEqual([1, 0])
  })

  it('gives up on a transaction that outlasts the lock time-out, as transient, without holding back the others', async () => {
    const adapter = await db.adapter(tables, { adapter: { lockTimeout: '50ms' } })
    const app = await db.connect()
    await app.query(`BEGIN; SET LOCAL unwind.correlation_id = 'slow'; UPDATE t SET a = 2 WHERE id = 11`)
    const requests = [
      { correlationId: 'slow', rollbackId: 'rb' },
      { correlationId: 'quick', rollbackId: 'rb2' },
    ]
    expect(await adapter.fence(requests, signal)).toMatchObject([
      { kind: 'failed', rollbackId: 'rb', code: 'transient', message: expect.stringContaining('slow') },
      { kind: 'fenced', rollbackId: 'rb2' },
    ])
    await app.query('ROLLBACK')
    expect(await adapter.fence(requests, signal)).toMatchObject([
      { kind: 'fenced', found: [] },
      { kind: 'fenced' },
    ])
  })

  it('waits for a transaction of more correlation IDs than it has locks of its own', async () => {
    const adapter = await db.adapter(tables)
    const app = await db.connect()
    await app.query('BEGIN; UPDATE stock SET n = 9 WHERE id BETWEEN 100 AND 200')
    const fencing = adapter.fence([{ correlationId: 'order-199', rollbackId: 'rb' }], signal)
    await waiting()
    await app.query('COMMIT')
    expect((await fencing).map(report => report.kind === 'fenced' && report.found.length)).toEqual([1])
  })

  it('an ID that the database has no form for fails alone, not the others of its round trip', async () => {
    const adapter = await db.adapter(tables)
    const request = (correlationId: string) => ({ correlationId, rollbackId: `rb-${correlationId}` })
    const reports = await adapter.fence([request('one'), request('n\u0000l'), request('two')], signal)
    expect(reports.map(({ kind, rollbackId }) => `${kind} ${rollbackId}`)).toEqual([
      'fenced rb-one',
      'failed rb-n\u0000l',
      'fenced rb-two',
    ])
  })

  it('expose: a late write is captured and marked late for the relay', async () => {
    const adapter = await db.adapter(tables)
    await db.forward('late', 'UPDATE t SET a = 3 WHERE id = 20')
    await found(adapter, 'late')
    await db.forward('late', 'UPDATE t SET a = 4 WHERE id = 20')
    // Any open transaction of the same server, of another test too, holds the relay back for a while.
    const late = async () =>
      (await adapter.capture!.next(1_000, signal))
        .filter(action => action.correlationId === 'late')
        .map(action => JSON.parse(action.data).late ?? false)
    await expect.poll(late, { timeout: 20_000 }).toEqual([false, true])
    expect(await found(adapter, 'late')).toHaveLength(2)
  })

  it('reject: a late write fails with what to do, other IDs go on', async () => {
    const adapter = await db.adapter(tables, { adapter: { fence: 'reject' } })
    expect(adapter.features.fence).toBe('stops')
    await db.forward('stopped', 'UPDATE t SET a = 3 WHERE id = 21')
    const work = await stepFor(adapter, 'stopped')
    await expect(db.forward('stopped', 'UPDATE t SET a = 4 WHERE id = 21')).rejects.toMatchObject({
      code: 'UW010',
      message: 'correlation ID stopped is being rolled back: this write came too late',
      hint: 'Begin a new business transaction under another correlation ID.',
    })
    await db.forward('free', 'UPDATE t SET a = 4 WHERE id = 22')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 1 })
  })

  it('forgets a savepoint that was rolled back, and captures what follows', async () => {
    const adapter = await db.adapter(tables)
    await db.forward(
      'savepoint',
      'SAVEPOINT one',
      'UPDATE t SET a = 8 WHERE id = 30',
      'ROLLBACK TO one',
      'UPDATE t SET a = 9 WHERE id = 31',
    )
    const [action] = await found(adapter, 'savepoint')
    expect(action?.resource).toBe('public.t[id=31]')
    expect(await undo(adapter, await stepFor(adapter, 'savepoint'))).toMatchObject({
      kind: 'applied',
      items: 1,
    })
  })

  const waiting = async () => {
    while (
      (
        await db.sql(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
        )
      ).length === 0
    )
      await db.sql('SELECT pg_sleep(0.01)')
  }
})
