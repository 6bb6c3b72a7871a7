import type { Client } from '@unwind/client'
import type { LoadedContract } from '@unwind/sidecar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestDatabase } from '../support/database.js'
import { PaymentProvider, paymentContract } from '../support/payment-provider.js'
import { loaded, postgresContract, Site } from '../support/site.js'
import { UnwindProcesses } from '../support/unwind-process.js'

const SESSION_MS = 1_500
const FAILPOINTS = [
  'before-intent',
  'after-intent',
  'before-effect',
  'after-effect',
  'after-probe',
  'before-outcome',
] as const
const KINDS = ['postgres', 'http'] as const
/** Rollbacks in flight at each system when its sidecar is killed: at the second one that comes to the failpoint. */
const ROLLBACKS = 4

const CASES = KINDS.flatMap(kind =>
  FAILPOINTS.map(failpoint => ({ kind, failpoint, system: `${kind}-${failpoint}` })),
)

describe('a sidecar that is killed with SIGKILL', () => {
  let site: Site
  let provider: PaymentProvider
  let processes: UnwindProcesses
  let client: Client
  const databases = new Map<string, TestDatabase>()
  const contracts = new Map<string, LoadedContract>()

  beforeAll(async () => {
    site = await Site.open(CASES.map(one => one.system))
    provider = await PaymentProvider.start()
    site.world.onClose(() => provider.stop())
    for (const { kind, system } of CASES)
      contracts.set(
        system,
        kind === 'http' ? loaded(paymentContract(system, provider.url)) : await postgresSystem(system),
      )
    processes = new UnwindProcesses(site, SESSION_MS)
    await site.coordinator({ api: { port: 0 } })
    client = await site.client('shop')
  })
  afterAll(() => site?.close())

  async function postgresSystem(system: string): Promise<LoadedContract> {
    const database = await site.database(
      system,
      `CREATE TABLE orders (id text PRIMARY KEY, status text NOT NULL)`,
      `CREATE TABLE totals (id int PRIMARY KEY, spent int NOT NULL)`,
      `INSERT INTO totals VALUES (1, 1000)`,
    )
    databases.set(system, database)
    const contract = loaded(
      postgresContract(system, database.url, { 'public.orders': {}, 'public.totals': { delta: ['spent'] } }),
    )
    await site.install(contract, database)
    return contract
  }

  /** The forward action: a sum goes up, so that an undo that happened twice would show. */
  async function act({ kind, system }: (typeof CASES)[number], order: string): Promise<void> {
    if (kind === 'http') {
      provider.capture(order, 30)
      await client.record({
        correlationId: order,
        system,
        action: 'payment.captured',
        data: { paymentId: order, amount: 30 },
      })
      return
    }
    const database = databases.get(system)!
    await database.transaction(
      order,
      `INSERT INTO orders VALUES ('${order}', 'confirmed')`,
      `UPDATE totals SET spent = spent + 30 WHERE id = 1`,
    )
  }

  async function expectOneEffectEach(
    { kind, system }: (typeof CASES)[number],
    orders: readonly string[],
    rollbackIds: readonly string[],
  ) {
    if (kind === 'http') {
      for (const order of orders) {
        expect(provider.payments.get(order)).toMatchObject({ status: 'refunded', refunds: 1 })
        expect(provider.keys.get(order)?.size).toBe(1)
      }
      return
    }
    const database = databases.get(system)!
    expect(await database.sql('SELECT spent FROM totals')).toEqual([{ spent: 1_000 }])
    expect(await database.sql('SELECT id FROM orders')).toEqual([])
    expect(await database.sql('SELECT key FROM unwind.effect ORDER BY key')).toEqual(
      rollbackIds.map(id => ({ key: `${id}/${system}` })).sort((a, b) => (a.key < b.key ? -1 : 1)),
    )
  }

  // Side by side, a few at a time: each waits mostly for a session to end.
  it.concurrent.each(CASES)(
    '$kind, at $failpoint: its rollbacks end RESTORED_VERIFIED with one effect each (I2)',
    async one => {
      const { system, failpoint } = one
      const contract = contracts.get(system)!
      const orders = Array.from({ length: ROLLBACKS }, () => site.order())
      for (const order of orders) await act(one, order)
      const doomed = processes.sidecar(contract, `sidecar.${failpoint}=kill@2`)
      await doomed.said('sidecar is following the ledger')
      await Promise.all(orders.map(order => site.recorded(order, 1)))
      const proposals = orders.map(correlationId =>
        client.propose({ correlationId, reason: 'it failed half-way' }),
      )
      const rollbackIds = (await Promise.all(proposals)).map(({ rollbackId }) => rollbackId)
      expect(await doomed.ended).toBe('SIGKILL')
      const open = rollbackIds.filter(id => !site.story(id).includes('closed/r1'))
      expect(open.length).toBeGreaterThan(0)

      const restarted = processes.sidecar(contract)
      for (const rollbackId of rollbackIds) {
        const end = await site.closed(rollbackId, 60_000)
        expect(end, site.story(rollbackId).join(' ')).toMatchObject({
          endState: 'RESTORED_VERIFIED',
          remaining: [],
        })
        expect(new Set(site.story(rollbackId).filter(id => id.includes('/completed/')))).toEqual(
          new Set([`${system}/completed/0`]),
        )
      }
      await expectOneEffectEach(one, orders, rollbackIds)
      expect(await restarted.kill('SIGTERM')).toBe(0)
    },
    120_000,
  )
})
