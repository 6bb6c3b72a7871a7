import type { Client } from '@unwind/client'
import type { ApiClient } from '@unwind/client/api'
import type { LedgerEvent } from '@unwind/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { holdableRelay } from '../support/held-relay.js'
import { Site } from '../support/site.js'
import { MiniShop, SHOP_SYSTEMS } from './shop.js'

/** Where effect and record are one, a first attempt is announced only if it is slow: on a busy machine it may be. */
const ANNOUNCED_OR_NOT = /^(?:(?:orders|stock)\/)?started\/0\.1$/

const DRAFT = { status: 'draft', total: 0, note: 'gift' }

describe('a rollback, end to end', () => {
  let site: Site
  let shop: MiniShop
  let client: Client
  let api: ApiClient
  const relays = { orders: holdableRelay(), stock: holdableRelay() }

  beforeAll(async () => {
    site = await Site.open(SHOP_SYSTEMS)
    shop = await MiniShop.open(site)
    await Promise.all([
      site.sidecar(shop.contracts.orders, relays.orders.adapters),
      site.sidecar(shop.contracts.stock, relays.stock.adapters),
      site.sidecar(shop.contracts.payments),
    ])
    api = (await site.coordinator()).api
    client = await site.client('shop')
  })
  afterAll(() => site?.close())

  const propose = async (correlationId: string) =>
    (await client.propose({ correlationId, reason: 'it failed half-way' })).rollbackId

  /** Events of each step, in the order of the ledger. */
  const byStep = (rollbackId: string) => {
    const steps: Record<string, string[]> = {}
    for (const { data } of site.world.of(rollbackId))
      if (
        'stepId' in data &&
        data.stepId !== null &&
        data.eventId.startsWith(`${rollbackId}/${data.stepId}/`)
      )
        steps[data.stepId] = [
          ...(steps[data.stepId] ?? []),
          data.eventId.slice(rollbackId.length + data.stepId.length + 2),
        ]
    for (const stepId of ['orders', 'stock'])
      steps[stepId] = (steps[stepId] ?? []).filter(id => !ANNOUNCED_OR_NOT.test(id))
    return steps
  }

  it('restores every system, last one first, proves it, and has one effect a step', async () => {
    const spentBefore = await shop.spent()
    const order = await shop.buy()
    expect(await shop.state(order)).toEqual({
      order: { status: 'confirmed', total: 30, note: 'gift' },
      reserved: ['tea'],
      payment: 'captured',
      refunds: 0,
    })
    const rollbackId = await propose(order)
    const end = await site.closed(rollbackId)
    expect(end).toMatchObject({ endState: 'RESTORED_VERIFIED', restored: 4, expected: 4, remaining: [] })
    expect(site.story(rollbackId).filter(id => !ANNOUNCED_OR_NOT.test(id))).toEqual([
      'proposed',
      'requested/r1',
      'payments/started/0.1',
      'payments/completed/0',
      'orders/completed/0',
      'stock/completed/0',
      'closed/r1',
    ])
    expect(await shop.state(order)).toEqual({ order: DRAFT, reserved: [], payment: 'refunded', refunds: 1 })
    expect(await shop.spent()).toBe(spentBefore)
    expect(await shop.effects(rollbackId)).toEqual({ orders: 1, stock: 1 })
    expect(shop.payments.keys.get(order)?.size).toBe(1)
    await expect
      .poll(() => api.rollback(rollbackId))
      .toMatchObject({
        phase: 'closed',
        endState: 'RESTORED_VERIFIED',
        steps: [
          { stepId: 'payments', status: 'verified' },
          { stepId: 'orders', status: 'verified' },
          { stepId: 'stock', status: 'verified' },
        ],
      })
  })

  it('undoes many at once, each with one effect a step, and leaves what was not proposed as it is', async () => {
    const spentBefore = await shop.spent()
    const orders: string[] = []
    for (let i = 0; i < 20; i++) orders.push(await shop.buy())
    const undone = orders.filter((_, i) => i % 2 === 0)
    const kept = orders.filter((_, i) => i % 2 === 1)
    const rollbackIds = await Promise.all(undone.map(propose))
    const ends = await Promise.all(rollbackIds.map(id => site.closed(id)))
    expect(ends.map(end => end.endState)).toEqual(undone.map(() => 'RESTORED_VERIFIED'))
    for (const [i, order] of undone.entries()) {
      expect(await shop.state(order)).toEqual({ order: DRAFT, reserved: [], payment: 'refunded', refunds: 1 })
      expect(await shop.effects(rollbackIds[i]!)).toEqual({ orders: 1, stock: 1 })
    }
    for (const order of kept)
      expect(await shop.state(order)).toMatchObject({
        order: { status: 'confirmed', total: 30 },
        reserved: ['tea'],
        payment: 'captured',
      })
    expect(await shop.spent()).toBe(spentBefore + kept.length * 30)
  })

  describe('when somebody has changed a field since', () => {
    const conflicting = async () => {
      const order = await shop.buy()
      await shop.orders.transaction(null, `UPDATE orders SET status = 'shipped' WHERE id = '${order}'`)
      const rollbackId = await propose(order)
      const parked = await site.nth(rollbackId, 'StepParked', 1)
      return { order, rollbackId, parked: parked.data }
    }
    const resolve = (rollbackId: string, resolution: 'merge' | 'force' | 'keep') =>
      api.command(rollbackId, {
        command: 'resolve',
        stepId: 'orders',
        resolution,
        actor: 'user:ana',
        reason: 'the parcel came back',
      })

    it('parks with the difference and touches nothing there; what does not depend on it is undone', async () => {
      const { order, rollbackId, parked } = await conflicting()
      expect(parked).toMatchObject({
        stepId: 'orders',
        code: 'conflict',
        differences: [
          {
            item: `public.orders[id=${order}]`,
            field: 'status',
            before: '"draft"',
            after: '"confirmed"',
            current: '"shipped"',
          },
          { item: `public.orders[id=${order}]`, field: 'total', before: '0', after: '30', current: '30' },
        ],
      })
      expect(parked.hint).toContain(`unwind resolve ${rollbackId} --step orders`)
      const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
      expect(alarm.data).toMatchObject({ kind: 'waiting-for-person', severity: 'critical', stepId: 'orders' })
      expect(await shop.state(order)).toEqual({
        order: { status: 'shipped', total: 30, note: 'gift' },
        reserved: ['tea'],
        payment: 'refunded',
        refunds: 1,
      })
    })

    it('merge restores what is still ours and ends PARTIAL', async () => {
      const { order, rollbackId } = await conflicting()
      await resolve(rollbackId, 'merge')
      const end = await site.closed(rollbackId)
      expect(end.endState).toBe('PARTIAL')
      expect(end.remaining).toEqual([
        expect.stringMatching(/^orders \(step orders\): 1 of 2 items restored; /),
      ])
      expect(await shop.state(order)).toEqual({
        order: { status: 'shipped', total: 0, note: 'gift' },
        reserved: [],
        payment: 'refunded',
        refunds: 1,
      })
      expect(byStep(rollbackId)).toEqual({
        payments: ['started/0.1', 'completed/0'],
        orders: ['failed/0.1', 'parked/0', 'started/1.1', 'completed/1'],
        stock: ['completed/0'],
      })
    })

    it('force restores everything and ends RESTORED_VERIFIED, with the name of who chose it in the ledger', async () => {
      const { order, rollbackId } = await conflicting()
      await resolve(rollbackId, 'force')
      expect((await site.closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
      expect(await shop.state(order)).toEqual({ order: DRAFT, reserved: [], payment: 'refunded', refunds: 1 })
      const command = await site.nth(rollbackId, 'OperatorCommandIssued', 1)
      expect(command.data).toMatchObject({
        actor: 'user:ana',
        resolution: 'force',
        reason: 'the parcel came back',
      })
      expect(await shop.effects(rollbackId)).toEqual({ orders: 1, stock: 1 })
    })
  })

  describe('when an action is not in the topic yet', () => {
    const lastClosed = async (rollbackId: string, revision: number) =>
      (await site.world.event(`${rollbackId}/closed/r${revision}`)).data as Extract<
        LedgerEvent,
        { type: 'RollbackClosed' }
      >['data']

    it('a system that the first plan did not name finds it on arrival, and revision 2 undoes it', async () => {
      relays.stock.hold()
      try {
        const order = site.order()
        await shop.draft(order)
        await shop.reserve(order)
        await shop.confirm(order)
        await shop.pay(order)
        await site.recorded(order, 2)
        const rollbackId = await propose(order)
        const first = await site.nth(rollbackId, 'RollbackRequested', 1)
        const plan = JSON.parse(first.data.plan) as { steps: { system: string }[] }
        expect(plan.steps.map(s => s.system)).toEqual(['payments', 'orders'])
        const late = await site.nth(rollbackId, 'LateActionDetected', 1)
        expect(late.data).toMatchObject({ system: 'stock', detectedBy: 'arrival' })
        expect(late.data.actions).toHaveLength(1)
        expect(await lastClosed(rollbackId, 2)).toMatchObject({
          endState: 'RESTORED_VERIFIED',
          restored: 4,
          expected: 4,
        })
        expect(await shop.state(order)).toEqual({
          order: DRAFT,
          reserved: [],
          payment: 'refunded',
          refunds: 1,
        })
        expect(await shop.effects(rollbackId)).toEqual({ orders: 1, stock: 1 })
      } finally {
        relays.stock.release()
      }
    })

    it('a system that the first plan names with a part of its actions has all of them undone', async () => {
      const order = site.order()
      await shop.draft(order)
      await shop.confirm(order, 30)
      await site.recorded(order, 1)
      relays.orders.hold()
      try {
        await shop.orders.transaction(order, `UPDATE orders SET note = 'two gifts' WHERE id = '${order}'`)
        const rollbackId = await propose(order)
        expect(await lastClosed(rollbackId, 2)).toMatchObject({ endState: 'RESTORED_VERIFIED' })
        const late = await site.nth(rollbackId, 'LateActionDetected', 1)
        expect(late.data.actions).toHaveLength(1)
        expect((await shop.state(order)).order).toEqual(DRAFT)
      } finally {
        relays.orders.release()
      }
    })

    it('none of them: an empty plan is supplemented with all that the systems find', async () => {
      relays.orders.hold()
      relays.stock.hold()
      try {
        const order = site.order()
        await shop.draft(order)
        await shop.reserve(order)
        await shop.confirm(order)
        const rollbackId = await propose(order)
        const first = await site.nth(rollbackId, 'RollbackRequested', 1)
        expect(JSON.parse(first.data.plan)).toMatchObject({ steps: [] })
        const end = await site.closed(rollbackId)
        expect(end).toMatchObject({ endState: 'RESTORED_VERIFIED', remaining: [] })
        expect(await shop.state(order)).toMatchObject({ order: DRAFT, reserved: [] })
      } finally {
        relays.orders.release()
        relays.stock.release()
      }
    })
  })
})
