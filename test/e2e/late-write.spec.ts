import type { Client } from '@unwind/client'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestDatabase } from '../support/database.js'
import { loaded, postgresContract, Site } from '../support/site.js'

/** The process that failed may still be running when its rollback begins: what it writes then must not stay unnoticed. */
describe('a forward transaction that comes while its rollback runs', () => {
  let site: Site
  let client: Client
  const databases = new Map<string, TestDatabase>()

  beforeAll(async () => {
    site = await Site.open(['exposing', 'rejecting'])
    await site.coordinator()
    for (const [system, fence] of [
      ['exposing', 'expose'],
      ['rejecting', 'reject'],
    ] as const) {
      const database = await site.database(
        system,
        `CREATE TABLE orders (id text PRIMARY KEY, status text NOT NULL)`,
      )
      const contract = postgresContract(system, database.url, { 'public.orders': {} })
      const fenced = loaded({ ...contract, adapter: { ...contract.adapter, fence } })
      await site.install(fenced, database)
      await site.sidecar(fenced)
      databases.set(system, database)
    }
    client = await site.client('shop')
  })
  afterAll(() => site?.close())

  const orderIn = (database: TestDatabase, order: string) =>
    database.sql('SELECT status FROM orders WHERE id = $1', [order])

  it.each(['exposing', 'rejecting'])(
    'open when the fence comes up: it is waited for, found and undone (%s)',
    async system => {
      const database = databases.get(system)!
      const order = site.order()
      const failing = new pg.Client({ connectionString: database.url })
      await failing.connect()
      try {
        await failing.query('BEGIN')
        await failing.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [order])
        await failing.query(`INSERT INTO orders VALUES ($1, 'half-way')`, [order])
        const { rollbackId } = await client.propose({ correlationId: order, reason: 'it failed half-way' })
        await site.nth(rollbackId, 'RollbackRequested', 1)
        await fenceWaits(database)
        await failing.query('COMMIT')
        const late = await site.nth(rollbackId, 'LateActionDetected', 1)
        expect(late.data).toMatchObject({
          system,
          detectedBy: 'arrival',
          actions: [{ action: `${system}.written` }],
        })
        expect(await site.closed(rollbackId)).toMatchObject({
          endState: 'RESTORED_VERIFIED',
          restored: 1,
          expected: 1,
        })
        expect(await orderIn(database, order)).toEqual([])
      } finally {
        await failing.end()
      }
    },
  )

  it('begun after the fence came up: it fails where the fence rejects, and others go on', async () => {
    const database = databases.get('rejecting')!
    const order = site.order()
    await database.transaction(order, `INSERT INTO orders VALUES ('${order}', 'half-way')`)
    await site.recorded(order, 1)
    const { rollbackId } = await client.propose({ correlationId: order, reason: 'it failed half-way' })
    expect((await site.closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
    await expect(
      database.transaction(order, `INSERT INTO orders VALUES ('${order}', 'too late')`),
    ).rejects.toThrow(`correlation ID ${order} is being rolled back: this write came too late`)
    expect(await orderIn(database, order)).toEqual([])
    const other = site.order()
    await database.transaction(other, `INSERT INTO orders VALUES ('${other}', 'in time')`)
    expect(await orderIn(database, other)).toEqual([{ status: 'in time' }])
  })

  /** Until somebody in this database waits for a lock: the fence, for the transaction that is open. */
  async function fenceWaits(database: TestDatabase): Promise<void> {
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    const deadline = Date.now() + 10_000
    while ((await database.sql(waiting)).length === 0)
      if (Date.now() > deadline) throw new Error('no fence waits for the open transaction after 10 s')
  }
})
