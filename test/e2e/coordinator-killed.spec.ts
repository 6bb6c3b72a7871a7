import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Site } from '../support/site.js'
import { type UnwindProcess, UnwindProcesses } from '../support/unwind-process.js'
import { MiniShop, SHOP_SYSTEMS } from './shop.js'

const SESSION_MS = 1_500

/** Where effect and record are one, a first attempt is announced only if it is slow: on a busy machine it may be. */
const ANNOUNCED_OR_NOT = /^(?:(?:orders|stock)\/)?started\/0\.1$/

describe('a coordinator that is killed right after the request', () => {
  let site: Site
  let shop: MiniShop
  let processes: UnwindProcesses
  let coordinator: UnwindProcess
  let propose: (correlationId: string) => Promise<string>

  beforeAll(async () => {
    site = await Site.open(SHOP_SYSTEMS)
    shop = await MiniShop.open(site)
    processes = new UnwindProcesses(site, SESSION_MS)
    coordinator = processes.coordinator()
    await shop.sidecars()
    await coordinator.said('the API is served')
    const client = await site.client('shop')
    propose = async correlationId =>
      (await client.propose({ correlationId, reason: 'it failed half-way' })).rollbackId
  })
  afterAll(() => site?.close())

  /** Proposes these orders and kills the coordinator as soon as all requests are in the ledger; no step can have ended by then. */
  async function proposeAndKill(orders: readonly string[]): Promise<string[]> {
    // Payments are undone first: while their provider does not answer, nothing can settle, and so nothing can be closed.
    const release = shop.payments.hold()
    const rollbackIds = await Promise.all(orders.map(propose))
    await Promise.all(rollbackIds.map(id => site.nth(id, 'RollbackRequested', 1)))
    expect(await coordinator.kill('SIGKILL')).toBe('SIGKILL')
    release()
    return rollbackIds
  }

  async function allStepsDone(rollbackIds: readonly string[]): Promise<void> {
    for (const id of rollbackIds)
      await Promise.all(SHOP_SYSTEMS.map(system => site.world.event(`${id}/${system}/completed/0`)))
  }

  const restored = {
    order: { status: 'draft', total: 0, note: 'gift' },
    reserved: [],
    payment: 'refunded',
    refunds: 1,
  }

  it('the sidecars finish alone, in order, and it closes the rollback when it is back', async () => {
    const orders = [await shop.buy(), await shop.buy(), await shop.buy()]
    const rollbackIds = await proposeAndKill(orders)
    await allStepsDone(rollbackIds)
    for (const [i, rollbackId] of rollbackIds.entries()) {
      expect(site.story(rollbackId).filter(id => !ANNOUNCED_OR_NOT.test(id))).toEqual([
        'proposed',
        'requested/r1',
        'payments/started/0.1',
        'payments/completed/0',
        'orders/completed/0',
        'stock/completed/0',
      ])
      expect(await shop.state(orders[i]!)).toEqual(restored)
    }
    coordinator = processes.coordinator()
    for (const rollbackId of rollbackIds) {
      expect(await site.closed(rollbackId)).toMatchObject({
        endState: 'RESTORED_VERIFIED',
        restored: 4,
        expected: 4,
      })
      expect(site.story(rollbackId).at(-1)).toBe('closed/r1')
      expect(await shop.effects(rollbackId)).toEqual({ orders: 1, stock: 1 })
    }
    await coordinator.said('the API is served')
  })

  it('closes it also when the view in Redis was lost meanwhile, since the ledger is the truth (I8)', async () => {
    const order = await shop.buy()
    const rollbackIds = await proposeAndKill([order])
    await allStepsDone(rollbackIds)
    const redis = new Redis(inject('stack').redisUrl)
    const keys = await redis.keys(`${site.prefix}:*`)
    expect(keys.length).toBeGreaterThan(0)
    await redis.del(...keys)
    redis.disconnect()
    coordinator = processes.coordinator()
    expect((await site.closed(rollbackIds[0]!)).endState).toBe('RESTORED_VERIFIED')
    // And it plans again: the view is rebuilt from the topics.
    const next = await shop.buy()
    expect((await site.closed(await propose(next))).endState).toBe('RESTORED_VERIFIED')
  })
})
