import { type ApiClient, createApiClient } from '@unwind/client/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryTarget } from '../../support/memory-target.js'
import { contractOf, eventually, redisOf, Scene } from '../coordinator/harness.js'

let scene: Scene
let api: ApiClient

beforeAll(async () => {
  scene = await Scene.open(['orders', 'payments'])
  const orders = contractOf('orders', [], { actions: { 'orders.done': {}, 'orders.paid': {} } })
  const payments = contractOf('payments', ['orders'])
  const coordinator = await scene.coordinator()
  await scene.world.sidecar(orders, () => () => new MemoryTarget(), scene.key('orders'))
  await scene.world.sidecar(payments, () => () => new MemoryTarget(), scene.key('payments'))
  api = createApiClient({ url: coordinator.apiUrl! })
  await eventually(
    'both contracts are known',
    () => api.systems(),
    found => found.filter(s => s.contract).length === 2,
  )
})
afterAll(() => scene.world.close())

/** An order, paid: three actions of two systems. */
async function buy() {
  const order = scene.order()
  const placed = await scene.record(order, 'orders', { resource: `orders/${order}` })
  const captured = await scene.record(order, 'payments', {
    resource: `payments/${order}`,
    causationId: placed,
  })
  const paid = await scene.record(order, 'orders', {
    action: 'orders.paid',
    resource: `orders/${order}`,
    causationId: captured,
  })
  return { order, placed, captured, paid }
}
const ended = (rollbackId: string) =>
  eventually(
    `${rollbackId} has ended`,
    () => api.rollback(rollbackId),
    view => view.phase === 'closed' || view.phase === 'denied',
  )

describe('a part of a correlation ID', () => {
  it('is undone alone by resource and system, and the end says which part it was', async () => {
    const { order, captured } = await buy()
    const part = { systems: ['payments'], resources: [`payments/${order}`] }
    const { rollbackId } = await api.propose({
      correlationId: order,
      reason: 'charged twice',
      ...part,
      acceptPartial: true,
    })
    const { endState, remaining, restored } = await ended(rollbackId)
    expect({ endState, restored, remaining }).toEqual({
      endState: 'PARTIAL',
      restored: 1,
      remaining: [
        `partial rollback, only systems payments; resources payments/${order}; everything else was left as it is`,
        expect.stringMatching(new RegExp(`^orders: orders.paid .* stays, though ${captured} caused it$`)),
      ],
    })
  })

  it('is green when nothing builds on it, and still says that it was a part', async () => {
    const alone = scene.order()
    await scene.record(alone, 'orders', { resource: `orders/${alone}` })
    await scene.record(alone, 'orders', { resource: `orders/${alone}-2` })
    const two = await api.propose({
      correlationId: alone,
      reason: 'one of two',
      resources: [`orders/${alone}`],
    })
    expect(await ended(two.rollbackId)).toMatchObject({
      endState: 'RESTORED_VERIFIED',
      restored: 1,
      remaining: [`partial rollback, only resources orders/${alone}; everything else was left as it is`],
    })
  })

  it('is denied while what builds on it would stay and nobody accepts that; a dry run says so first', async () => {
    const { order, captured, placed, paid } = await buy()
    const part = { correlationId: order, actions: [placed] }
    const plan = await api.dryRun(part)
    expect(plan.part).toBe(`actions ${placed}`)
    expect(plan.left.map(item => [item.actionId, item.because])).toEqual([
      [paid, `it came after ${placed} on orders/${order}`],
      [captured, `payments depends on orders`],
    ])
    expect(plan.policy).toEqual({
      decision: 'refused',
      because: [expect.stringContaining('--accept-partial')],
    })
    const { rollbackId } = await api.propose({ ...part, reason: 'not so fast' })
    expect(await ended(rollbackId)).toMatchObject({
      phase: 'denied',
      denied: expect.stringContaining('2 actions that build on what is undone would stay'),
    })
    expect((await api.dryRun({ ...part, acceptPartial: true })).policy.decision).toBe('pre-approved')
  })
})

describe('the blast radius', () => {
  it('names later correlation IDs on the same resources, and nobody else', async () => {
    const { order } = await buy()
    const later = scene.order()
    const elsewhere = scene.order()
    // Between partitions clocks decide, so the later work is dated by the broker well after the first.
    await scene.record(later, 'orders', { action: 'orders.paid', resource: `orders/${order}` })
    await scene.record(elsewhere, 'orders', { resource: `orders/${elsewhere}` })
    const { blastRadius } = await api.dryRun({ correlationId: order })
    expect(blastRadius).toEqual({
      later: [
        {
          correlationId: later,
          system: 'orders',
          resource: `orders/${order}`,
          actionId: expect.any(String),
          action: 'orders.paid',
          recordedAt: expect.any(Number),
          laterBy: expect.stringMatching(/^(log|unsure)$/),
        },
      ],
      complete: true,
      because: [],
    })
  })

  it('passes over what a stranger claims to have touched', async () => {
    const { order } = await buy()
    const stranger = await scene.impostor()
    await stranger.send({
      type: 'ActionRecorded',
      data: {
        eventId: 'forged',
        correlationId: 'nobody',
        system: 'orders',
        action: 'orders.done',
        resource: `orders/${order}`,
        occurredAt: Date.now(),
        emitter: 'service:shop',
        causationId: null,
        data: '{}',
        items: 1,
        digest: null,
      },
    })
    const { blastRadius } = await api.dryRun({ correlationId: order })
    expect(blastRadius).toEqual({ later: [], complete: true, because: [] })
  })

  it('is the same after the view was flushed, and says when it cannot know', async () => {
    const { order } = await buy()
    await scene.record(scene.order(), 'orders', { resource: `orders/${order}` })
    const before = (await api.dryRun({ correlationId: order })).blastRadius
    expect(before.later).toHaveLength(1)
    const redis = redisOf()
    const keys = await redis.keys(`${scene.prefix}:*`)
    await redis.del(...keys)
    redis.disconnect()
    const after = await eventually(
      'the view is rebuilt',
      () => api.dryRun({ correlationId: order }).catch(() => null),
      found => found !== null,
    )
    expect(after!.blastRadius).toEqual(before)
    const plain = scene.order()
    await scene.record(plain, 'orders')
    expect((await api.dryRun({ correlationId: plain })).blastRadius).toEqual({
      later: [],
      complete: false,
      because: ['1 actions name no resource, so nobody can say who else worked on it'],
    })
  })
})
