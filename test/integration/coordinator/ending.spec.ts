import { thawPlan } from '@unwind/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, Scene } from './harness.js'

describe('how a rollback ends', () => {
  let scene: Scene

  beforeAll(async () => {
    scene = await Scene.open(['orders', 'mails'])
    await scene.publish(contractOf('orders'))
    await scene.publish(
      contractOf('mails', [], {
        actions: { 'mails.done': {}, 'mails.sent': { reversibility: 'irreversible' } },
      }),
    )
    await scene.coordinator()
  })
  afterAll(() => scene.world.close())

  async function running(order: string) {
    const rollbackId = await scene.propose(order)
    await scene.first(rollbackId, 'RollbackRequested')
    return rollbackId
  }

  it('is PARTIAL when items were kept', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const rollbackId = await running(order)
    const kept = { restored: 2, expected: 3, outcome: 'kept', notes: ['price is newer'] }
    await scene.completed(rollbackId, order, 'orders', kept)
    expect((await scene.first(rollbackId, 'RollbackClosed')).data).toMatchObject({
      endState: 'PARTIAL',
      restored: 2,
      expected: 3,
      remaining: ['orders (step orders): 2 of 3 items restored; price is newer'],
    })
  })

  it('is DISCREPANCY_SURFACED when an action has no contract', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    await scene.record(order, 'mainframe')
    const rollbackId = await running(order)
    await scene.completed(rollbackId, order, 'orders')
    expect((await scene.first(rollbackId, 'RollbackClosed')).data.endState).toBe('DISCREPANCY_SURFACED')
  })

  it('is RESTORED_UNVERIFIED, after a while, when nothing was recorded', async () => {
    const rollbackId = await running(scene.order())
    expect((await scene.first(rollbackId, 'RollbackClosed')).data).toMatchObject({
      endState: 'RESTORED_UNVERIFIED',
      remaining: ['no system holds a recorded action under this correlation ID'],
    })
  })

  it('comes only after what a system found late was planned and undone', async () => {
    const order = scene.order()
    const recorded = await scene.record(order, 'orders')
    const rollbackId = await running(order)
    await late(rollbackId, order, 'orders:late')
    const request = await scene.world.event(`${rollbackId}/requested/r2`)
    if (request.type !== 'RollbackRequested') throw new Error('expected a request')
    expect(thawPlan(request.data, request.data).steps.map(s => s.actions.map(a => a.actionId))).toEqual([
      ['orders:late', recorded],
    ])
    await scene.completed(rollbackId, order, 'orders')
    expect((await scene.world.event(`${rollbackId}/closed/r2`)).data).toMatchObject({
      endState: 'RESTORED_VERIFIED',
    })
  })

  it('is not the last word when a system finds more after it', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const rollbackId = await running(order)
    await scene.completed(rollbackId, order, 'orders')
    await scene.world.event(`${rollbackId}/closed/r1`)
    await late(rollbackId, order, 'orders:late')
    const request = await scene.world.event(`${rollbackId}/requested/r2`)
    if (request.type !== 'RollbackRequested') throw new Error('expected a request')
    expect(request.data.steps).toEqual([{ stepId: 'orders', status: 'verified', round: 0 }])
    await scene.completed(rollbackId, order, 'orders~2')
    expect((await scene.world.event(`${rollbackId}/closed/r2`)).data).toMatchObject({
      endState: 'RESTORED_VERIFIED',
      restored: 2,
    })
  })

  it('cannot be forged: an outcome that another system signed is set aside and told', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const rollbackId = await running(order)
    const outcome = { emitter: scene.key('mails').principal }
    const mails = await scene.as('mails')
    await mails.send({
      type: 'CompensationCompleted',
      data: {
        ...scene.about(rollbackId, order, 'orders'),
        ...outcome,
        eventId: `${rollbackId}/orders/completed/0`,
        stepId: 'orders',
        round: 0,
        attempt: 1,
        outcome: 'undone',
        restored: 1,
        expected: 1,
        fromDigest: null,
        toDigest: null,
        probe: 'none',
        durationMs: 1,
        notes: [],
      },
    })
    expect((await scene.first(rollbackId, 'EscalationRaised')).data).toMatchObject({
      eventId: `${rollbackId}/escalation/unauthorised/CompensationCompleted/0`,
      kind: 'unauthorised',
    })
    await scene.completed(rollbackId, order, 'orders')
    expect((await scene.first(rollbackId, 'RollbackClosed')).data.endState).toBe('RESTORED_VERIFIED')
  })

  async function late(rollbackId: string, order: string, actionId: string): Promise<void> {
    const sender = await scene.as('orders')
    const found = { actionId, action: 'orders.done', resource: null, occurredAt: Date.now(), data: '{}' }
    await sender.send({
      type: 'LateActionDetected',
      data: {
        ...scene.about(rollbackId, order, 'orders'),
        eventId: `${rollbackId}/late/orders/${actionId}`,
        actions: [found],
        detectedBy: 'arrival',
      },
    })
  }
})
