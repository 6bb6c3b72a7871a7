import { tmpdir } from 'node:os'
import type { ApiClient, Client } from '@unwind/client'
import type { AnomalyDetected } from '@unwind/contracts'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { TestDatabase } from '../../support/database.js'
import { MemoryTarget } from '../../support/memory-target.js'
import { loaded, postgresContract, Site } from '../../support/site.js'
import { unwind } from '../cli/unwind.js'

/** The whole aftermath in seconds instead of a day. */
const AFTERMATH = { probeAfterMs: [800], watchMs: 3_000 }

describe('what comes after the end of a rollback', () => {
  let site: Site
  let client: Client
  let api: ApiClient
  let url: string
  let stock: TestDatabase
  let stopCoordinator: () => Promise<unknown>
  const mails = new MemoryTarget({ atomicEffect: false, findsActions: false, fence: 'none' })
  let clean: string

  beforeAll(async () => {
    site = await Site.open(['stock', 'accounts', 'mails'])
    site.world.key('user:ana', ['operator'])
    const { service, api: answers } = await site.coordinator({ aftermath: AFTERMATH })
    stopCoordinator = () => service.stop()
    url = service.apiUrl!
    api = answers
    client = await site.client('shop')
    stock = await site.database('stock', 'CREATE TABLE stock (id text PRIMARY KEY, left_over int NOT NULL)')
    const contract = loaded(postgresContract('stock', stock.url, { 'public.stock': {} }))
    await site.install(contract, stock)
    await site.sidecar(contract)
    const base = postgresContract('mails', '', {})
    await site.sidecar(
      loaded({
        ...base,
        adapter: { kind: 'memory' },
        actions: { 'mail.sent': { businessKey: ['order', 'template'] } },
      }),
      { memory: () => mails },
    )
  })
  afterAll(() => site?.close())

  it('is watched and probed on schedule, and nothing is found where nothing is wrong', async () => {
    const { order, rollbackId } = await rolledBack()
    clean = rollbackId
    const report = await site.nth(rollbackId, 'ReconciliationReported', 1)
    expect(report.data).toMatchObject({
      requestedBy: 'schedule:after-0.8s',
      causationId: `${rollbackId}/reconcile/r1/after-0.8s`,
      eventId: `${rollbackId}/reconcile/r1/after-0.8s/stock`,
      emitter: 'sidecar:stock',
      system: 'stock',
      results: [
        {
          stepId: 'stock',
          restored: 1,
          expected: 1,
          kept: 0,
          drift: [],
          problem: null,
          probe: 'select by key in a read-only transaction of its own',
          digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      ],
      findings: [],
    })
    const { code, out } = await unwind(
      ['reconcile', order, '--wait', '--api', url, '--reason', 'the auditor asks'],
      { cwd: tmpdir() },
    )
    expect(out).toContain('1 of 1 item')
    expect(code).toBe(0)
    await expect.poll(async () => (await api.rollback(rollbackId)).reconciliations.length).toBe(2)
    const view = await api.rollback(rollbackId)
    expect(view).toMatchObject({ end: 'RESTORED_VERIFIED', anomalies: [] })
    expect(view.reconciliations.map(row => [row.reason, row.systems, row.answers.length])).toEqual([
      ['the schedule of the coordinator', ['stock'], 1],
      ['the auditor asks', ['stock'], 1],
    ])
  })

  it('drift: a row that was restored and is changed again is said once, with what would undo it', async () => {
    const { order, rollbackId } = await rolledBack()
    await stock.sql('UPDATE stock SET left_over = 99 WHERE id = $1', [order])
    await api.reconcile(rollbackId, { actor: 'user:ana' })
    const anomaly = await anomalyOf(rollbackId)
    expect(anomaly).toMatchObject({
      kind: 'drift',
      system: 'stock',
      stepId: 'stock',
      endState: 'RESTORED_VERIFIED',
      // Of the request or of the schedule, whichever was answered first.
      causationId: expect.stringMatching(/\/reconcile\/r1\/.+\/stock$/),
      message: 'step stock: 0 of 1 items are restored, 1 were when it was proven',
      details: [`public.stock[id=${order}].left_over: restored to 5, now 99`],
      proposal: {
        system: 'stock',
        command: `unwind rollback ${order} --systems stock --reason 'drift after ${rollbackId}'`,
      },
    })
    expect(anomaly.proposal?.actions).toHaveLength(1)
    const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
    expect(alarm.data).toMatchObject({
      kind: 'anomaly',
      severity: 'critical',
      causationId: anomaly.eventId,
      owner: 'stock@example.com',
    })
    // Another value in the same place, seen by the schedule and by a person: still the same anomaly.
    await stock.sql('UPDATE stock SET left_over = 98 WHERE id = $1', [order])
    const { code, out } = await unwind(['reconcile', rollbackId, '--wait', '--api', url, '-o', 'json'], {
      cwd: tmpdir(),
    })
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({
      end: 'RESTORED_VERIFIED, then 1 anomaly',
      answers: [{ restored: 0, expected: 1, drift: [expect.stringContaining('now 98')] }],
    })
    await site.nth(rollbackId, 'ReconciliationReported', 3)
    expect(site.world.of(rollbackId).filter(e => e.type === 'AnomalyDetected')).toHaveLength(1)
    await expect
      .poll(async () => (await api.rollback(rollbackId)).openEscalations)
      .toEqual([alarm.data.escalationId])
    const { escalationId } = alarm.data
    const taken = await fetch(`${url}/v1/rollbacks/${rollbackId}/acknowledgements`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ escalationId, actor: 'user:ana', reason: 'I ask the batch' }),
    })
    expect(taken.status).toBe(202)
    await expect.poll(async () => (await api.rollback(rollbackId)).openEscalations).toEqual([])
    // Nothing is done about it by itself.
    expect(await leftOver(order)).toBe(98)
  })

  it('late action: a captured write after the fence is an anomaly of the ended rollback', async () => {
    const { order, rollbackId } = await rolledBack()
    await stock.transaction(order, `UPDATE stock SET left_over = 1 WHERE id = '${order}'`)
    expect(await anomalyOf(rollbackId)).toMatchObject({
      kind: 'late-action',
      system: 'stock',
      message: 'stock recorded 1 action that the plan does not name, 1 of them written after its fence stood',
      proposal: { description: 'roll the late actions back as well' },
    })
    expect(await leftOver(order)).toBe(1)
    expect(site.world.of(rollbackId).filter(e => e.type === 'RollbackRequested')).toHaveLength(1)
  })

  it('duplicate: two actions with one business key, where the contract declares it', async () => {
    const order = site.order()
    const mail = (template: string) =>
      client.record({ correlationId: order, system: 'mails', action: 'mail.sent', data: { order, template } })
    const ids = [await mail('paid'), await mail('shipped'), await mail('paid')].map(done => done.actionId)
    await site.recorded(order, 3)
    const rollbackId = await rollBack(order)
    expect(await anomalyOf(rollbackId)).toMatchObject({
      kind: 'duplicate',
      system: 'mails',
      message: `mails did mail.sent 2 times with one business key, order="${order}", template="paid"`,
      proposal: { actions: [ids[0], ids[2]] },
    })
  })

  it('stale read: a declared replica that does not come to show what the primary shows', async () => {
    const stack = inject('stack').databaseUrl
    const primary = new URL(stack)
    const replica = new URL(stack)
    primary.pathname = `/${site.prefix}_accounts`
    replica.pathname = `/${site.prefix}_copy`
    site.world.onClose(() => on(stack, `DROP DATABASE "${site.prefix}_copy" WITH (FORCE)`))
    site.world.onClose(() => on(stack, `DROP DATABASE "${site.prefix}_accounts" WITH (FORCE)`))
    const base = postgresContract('accounts', primary.href, { 'public.accounts': {} })
    const probe = { replica: { url: replica.href, lagWithin: '300ms' } }
    const contract = loaded({ ...base, adapter: { ...base.adapter, probe } })
    const order = site.order()
    await on(stack, `CREATE DATABASE "${site.prefix}_accounts"`)
    await lend(primary.href, async owner => {
      await owner.query('CREATE TABLE accounts (id text PRIMARY KEY, plan text NOT NULL)')
      await installCapture(owner, parsePostgresOptions(contract.contract), 'accounts')
      await owner.query('BEGIN')
      await owner.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [order])
      await owner.query(`INSERT INTO accounts VALUES ('a1', 'gold')`)
      await owner.query('COMMIT')
    })
    // A copy that stands still: a replica whose replay has stopped.
    await on(stack, `CREATE DATABASE "${site.prefix}_copy" TEMPLATE "${site.prefix}_accounts"`)
    await site.sidecar(contract)
    await site.recorded(order, 1)
    const rollbackId = await rollBack(order)
    const anomaly = await anomalyOf(rollbackId)
    expect(anomaly).toMatchObject({
      kind: 'stale-read',
      system: 'accounts',
      stepId: 'accounts',
      details: ['public.accounts[id=a1]: restored to nothing, now "row"'],
      proposal: { command: `unwind reconcile ${rollbackId} --wait` },
    })
    expect(anomaly.message).toContain(`replica ${replica.host}/${site.prefix}_copy shows another state`)
    expect(anomaly.message).not.toContain(replica.password || 'postgres:')
  })

  it('in-flight: a transaction that began before the fence and is still open', async () => {
    const order = await changed()
    const survivor = new pg.Client({ connectionString: stock.url, application_name: 'old batch' })
    await survivor.connect()
    try {
      await survivor.query('BEGIN')
      await survivor.query(`INSERT INTO stock VALUES ($1, 1)`, [site.order()])
      const rollbackId = await rollBack(order)
      expect(await anomalyOf(rollbackId)).toMatchObject({
        kind: 'in-flight',
        system: 'stock',
        stepId: null,
        message: expect.stringContaining('began before the fence, has written to a captured table'),
        details: ['application old batch, state idle in transaction'],
      })
    } finally {
      await survivor.end()
    }
  })

  it('is asked for in vain while the rollback runs', async () => {
    const order = site.order()
    let open = () => {}
    mails.gate = new Promise(resolve => {
      open = resolve
    })
    await client.record({ correlationId: order, system: 'mails', action: 'mail.sent', data: { order } })
    await site.recorded(order, 1)
    const { rollbackId } = await client.propose({ correlationId: order, reason: 'half-way' })
    await site.nth(rollbackId, 'CompensationStarted', 1)
    await expect(api.reconcile(rollbackId)).rejects.toMatchObject({ status: 409 })
    open()
    await site.closed(rollbackId)
  })

  it('late actions open the rollback again where that is allowed, and the policy decides', async () => {
    // All looks at the first rollback are over by now: nothing was ever found.
    expect(site.world.of(clean).filter(e => e.type === 'AnomalyDetected')).toEqual([])
    await stopCoordinator()
    await site.coordinator({ aftermath: { ...AFTERMATH, reopen: true } })
    const { order, rollbackId } = await rolledBack()
    await stock.transaction(order, `UPDATE stock SET left_over = 1 WHERE id = '${order}'`)
    const late = await site.nth(rollbackId, 'LateActionDetected', 1)
    expect(late.data).toMatchObject({ detectedBy: 'watch', emitter: 'coordinator:one', system: 'stock' })
    expect((await site.nth(rollbackId, 'RollbackClosed', 2)).data).toMatchObject({
      eventId: `${rollbackId}/closed/r2`,
      endState: 'RESTORED_VERIFIED',
    })
    expect(await leftOver(order)).toBe(5)
  })

  async function rolledBack(): Promise<{ order: string; rollbackId: string }> {
    const order = await changed()
    return { order, rollbackId: await rollBack(order) }
  }

  /** A row changed from 5 to 4 under a fresh correlation ID. */
  async function changed(): Promise<string> {
    const order = site.order()
    await stock.sql('INSERT INTO stock VALUES ($1, 5)', [order])
    await stock.transaction(order, `UPDATE stock SET left_over = 4 WHERE id = '${order}'`)
    await site.recorded(order, 1)
    return order
  }

  async function rollBack(order: string): Promise<string> {
    const { rollbackId } = await client.propose({ correlationId: order, reason: 'it failed half-way' })
    expect((await site.closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
    return rollbackId
  }

  async function anomalyOf(rollbackId: string): Promise<AnomalyDetected> {
    return (await site.nth(rollbackId, 'AnomalyDetected', 1)).data
  }

  async function leftOver(order: string): Promise<unknown> {
    return (await stock.sql('SELECT left_over FROM stock WHERE id = $1', [order]))[0]?.left_over
  }
})

async function on(url: string, statement: string): Promise<void> {
  await lend(url, client => client.query(statement))
}

async function lend(url: string, use: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await use(client)
  } finally {
    await client.end()
  }
}
