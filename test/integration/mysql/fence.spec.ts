import { beforeAll, describe, expect, it } from 'vitest'
import { found, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('fence')
const signal = new AbortController().signal

describe('the fence', () => {
  beforeAll(async () => {
    await db.sql('CREATE TABLE t (id int PRIMARY KEY, a int)')
    await db.sql('INSERT INTO t SELECT seq, 0 FROM seq_1_to_1000')
    await db.sql('CREATE TABLE stock (id int PRIMARY KEY, order_no int, n int)')
    await db.sql('INSERT INTO stock SELECT seq, seq, 0 FROM seq_1_to_200')
  })
  const tables = { t: {}, stock: { correlation: { column: 'order_no', prefix: 'order-' } } }
  const requestsFor = (...ids: string[]) =>
    ids.map(correlationId => ({ correlationId, rollbackId: `rb-${correlationId}` }))

  it('finds every action of each correlation ID in one call, and is idempotent', async () => {
    const adapter = await db.adapter(tables)
    await db.forward('f1', 'UPDATE t SET a = 1 WHERE id = 1')
    await db.forward('f1', 'UPDATE t SET a = 1 WHERE id = 2', 'DELETE FROM t WHERE id = 3')
    await db.forward('f2', 'UPDATE t SET a = 1 WHERE id = 4')
    const requests = requestsFor('f1', 'f2', 'nobody')
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
      resource: `${db.database}.t[id=1]`,
      occurredAt: expect.closeTo(Date.now(), -5),
      data: expect.stringMatching(/^\{"entry":"\d+","tables":\{"[^"]+\.t":\{"updated":1\}\}\}$/),
    })
    expect(await adapter.fence(requests, signal)).toEqual(reports)
  })

  it('a column gives the correlation ID where the application cannot; one transaction then has an action for each ID', async () => {
    const adapter = await db.adapter(tables)
    await db.sql('UPDATE stock SET n = 5 WHERE id IN (1, 2)')
    const [one, two] = [await found(adapter, 'order-1'), await found(adapter, 'order-2')]
    expect([one, two].map(list => list.map(action => action.resource))).toEqual([
      [`${db.database}.stock[id=1]`],
      [`${db.database}.stock[id=2]`],
    ])
    expect(one[0]!.actionId).not.toBe(two[0]!.actionId)
    expect(await undo(adapter, await stepFor(adapter, 'order-2'))).toMatchObject({
      kind: 'applied',
      items: 1,
    })
    expect(await db.sql('SELECT id, n FROM stock WHERE id <= 2 ORDER BY id')).toEqual([
      { id: '1', n: '5' },
      { id: '2', n: '0' },
    ])
    // The undo wrote rows of order 2, but it is no late action of it.
    expect(await found(adapter, 'order-2', 'again')).toHaveLength(1)
  })

  it('waits for a forward transaction in flight and then knows what it did', async () => {
    const adapter = await db.adapter(tables, { adapter: { lockTimeout: '20s' } })
    const app = await db.connect()
    await app.sql(`SET @unwind_correlation_id = 'inflight'; BEGIN; UPDATE t SET a = 2 WHERE id = 10`)
    let done = false
    const fencing = adapter.fence(requestsFor('inflight', 'other'), signal).then(reports => {
      done = true
      return reports
    })
    // The other one is fenced meanwhile; this one is not.
    await expect
      .poll(() =>
        db.sql(
          `SELECT correlation_id FROM ${db.capture}.fence WHERE correlation_id IN ('inflight', 'other')`,
        ),
      )
      .toEqual([{ correlation_id: 'other' }])
    expect(done).toBe(false)
    await app.sql('UPDATE t SET a = 2 WHERE id = 12')
    await app.sql('COMMIT')
    const reports = await fencing
    expect(reports.map(report => report.kind === 'fenced' && report.found.length)).toEqual([1, 0])
    const [first] = reports[0]!.kind === 'fenced' ? reports[0]!.found : []
    expect(JSON.parse(first!.data).tables[`${db.database}.t`]).toEqual({ updated: 2 })
  })

  it('gives up on a transaction that outlasts the lock time-out, as transient, without holding back others or the application', async () => {
    const adapter = await db.adapter(tables, { adapter: { lockTimeout: '50ms' } })
    const app = await db.connect()
    await app.sql(`SET @unwind_correlation_id = 'slow'; BEGIN; UPDATE t SET a = 2 WHERE id = 11`)
    const requests = requestsFor('slow', 'quick')
    expect(await adapter.fence(requests, signal)).toMatchObject([
      { kind: 'failed', rollbackId: 'rb-slow', code: 'transient', message: expect.stringContaining('slow') },
      { kind: 'fenced', rollbackId: 'rb-quick' },
    ])
    await app.sql('ROLLBACK')
    expect(await adapter.fence(requests, signal)).toMatchObject([
      { kind: 'fenced', found: [] },
      { kind: 'fenced' },
    ])
  })

  it('waits for a transaction that continues what its session wrote before under the same ID', async () => {
    const adapter = await db.adapter(tables, { adapter: { lockTimeout: '50ms' } })
    const app = await db.connect()
    await app.sql(`SET @unwind_correlation_id = 'again'`)
    await app.sql('BEGIN; UPDATE t SET a = 2 WHERE id = 13; COMMIT')
    await app.sql('BEGIN; UPDATE t SET a = 2 WHERE id = 14')
    expect(await adapter.fence(requestsFor('again'), signal)).toMatchObject([
      { kind: 'failed', code: 'transient' },
    ])
    await app.sql('COMMIT')
    const actions = await found(adapter, 'again')
    const updated = actions.map(action => JSON.parse(action.data).tables[`${db.database}.t`].updated)
    expect(updated.reduce((sum, n) => sum + n, 0)).toBe(2)
    expect(await undo(adapter, await stepFor(adapter, 'again'))).toMatchObject({ kind: 'applied', items: 2 })
  })

  it('a snapshot that is older than the fence does not hide the fence', async () => {
    const adapter = await db.adapter(tables, { adapter: { fence: 'reject' } })
    const app = await db.connect()
    await app.sql(
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT',
    )
    await found(adapter, 'snapshot')
    await app.sql(`SET @unwind_correlation_id = 'snapshot'`)
    await expect(app.sql('UPDATE t SET a = 2 WHERE id = 15')).rejects.toThrow('is being rolled back')
    await app.sql('ROLLBACK')
  })

  it('expose: a late write is captured and marked late for the relay', async () => {
    const adapter = await db.adapter(tables)
    await db.forward('late', 'UPDATE t SET a = 3 WHERE id = 20')
    await found(adapter, 'late')
    await db.forward('late', 'UPDATE t SET a = 4 WHERE id = 20')
    const late = (await adapter.capture!.next(1_000, signal))
      .filter(action => action.correlationId === 'late')
      .map(action => JSON.parse(action.data).late ?? false)
    expect(late).toEqual([false, true])
    expect(await found(adapter, 'late')).toHaveLength(2)
  })

  it('reject: a late write fails with what to do, other IDs go on', async () => {
    const adapter = await db.adapter(tables, { adapter: { fence: 'reject' } })
    expect(adapter.features.fence).toBe('stops')
    // The session has written under this ID a moment ago; that does not let it past the fence.
    const app = await db.connect()
    await app.sql(`SET @unwind_correlation_id = 'stopped'; BEGIN; UPDATE t SET a = 3 WHERE id = 21; COMMIT`)
    const work = await stepFor(adapter, 'stopped')
    await app.sql('BEGIN')
    await expect(app.sql('UPDATE t SET a = 4 WHERE id = 21')).rejects.toMatchObject({
      sqlState: '45000',
      errno: 32_010,
      sqlMessage:
        'correlation ID stopped is being rolled back: this write came too late. Begin a new business transaction under another correlation ID.',
    })
    await app.sql('ROLLBACK')
    await db.forward('free', 'UPDATE t SET a = 4 WHERE id = 22')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 1 })
  })

  it('forgets what was rolled back, to a savepoint or whole, and captures what follows', async () => {
    const adapter = await db.adapter(tables)
    const app = await db.connect()
    await app.sql(`SET @unwind_correlation_id = 'savepoint'`)
    await app.sql('BEGIN; UPDATE t SET a = 7 WHERE id = 29; ROLLBACK')
    await app.sql(
      'BEGIN; SAVEPOINT one; UPDATE t SET a = 8 WHERE id = 30; ROLLBACK TO one; UPDATE t SET a = 9 WHERE id = 31; COMMIT',
    )
    const actions = await found(adapter, 'savepoint')
    expect(actions.map(action => action.resource)).toEqual([`${db.database}.t[id=31]`])
    expect(await undo(adapter, await stepFor(adapter, 'savepoint'))).toMatchObject({
      kind: 'applied',
      items: 1,
    })
  })

  it('captures statements of an application that uses no transactions, each row once', async () => {
    const adapter = await db.adapter(tables)
    const app = await db.connect()
    await app.sql(`SET @unwind_correlation_id = 'auto'`)
    await app.sql('UPDATE t SET a = 1 WHERE id IN (40, 41)')
    await app.sql('UPDATE t SET a = 2 WHERE id = 40')
    const counts = (await found(adapter, 'auto')).map(
      action => JSON.parse(action.data).tables[`${db.database}.t`].updated,
    )
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(3)
    expect(await undo(adapter, await stepFor(adapter, 'auto'))).toMatchObject({ kind: 'applied', items: 2 })
    expect(await db.sql('SELECT a FROM t WHERE id IN (40, 41)')).toEqual([{ a: '0' }, { a: '0' }])
  })
})
