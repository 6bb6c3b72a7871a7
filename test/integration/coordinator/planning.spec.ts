import { thawPlan } from '@unwind/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, Scene } from './harness.js'

describe('planning on the real stack', () => {
  let scene: Scene

  beforeAll(async () => {
    scene = await Scene.open(['orders', 'payments'])
    await scene.publish(contractOf('orders'))
    await scene.publish(contractOf('payments', ['orders']))
    await scene.coordinator()
  })
  afterAll(() => scene.world.close())

  it('answers a proposal with a signed request for the plan of everything that was recorded', async () => {
    const order = scene.order()
    const placed = await scene.record(order, 'orders')
    const paid = await scene.record(order, 'payments', { causationId: placed })
    const rollbackId = await scene.propose(order)
    const requested = await scene.first(rollbackId, 'RollbackRequested')
    const { data } = requested
    const plan = thawPlan(data, data)
    expect(plan.steps.map(s => [s.stepId, s.tier, s.waitsFor, s.actions.map(a => a.actionId)])).toEqual([
      ['payments', 0, [], [paid]],
      ['orders', 1, ['payments'], [placed]],
    ])
    expect(data).toMatchObject({
      eventId: `${rollbackId}/requested/r1`,
      emitter: 'coordinator:one',
      requestedBy: 'service:shop',
      policy: 'default 1.0.0',
      revision: 1,
      approvals: [{ approver: 'policy:default', planHash: data.planHash, signature: '' }],
      steps: [],
    })
  })

  it('closes a rollback when every step is proven', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const rollbackId = await scene.propose(order)
    await scene.first(rollbackId, 'RollbackRequested')
    await scene.completed(rollbackId, order, 'orders')
    const { data } = await scene.first(rollbackId, 'RollbackClosed')
    expect(data).toMatchObject({ endState: 'RESTORED_VERIFIED', restored: 1, expected: 1, remaining: [] })
  })
})
