import { thawPlan } from '@unwind/contracts'
import type { CoordinatorService } from '@unwind/coordinator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, Scene } from './harness.js'

describe('planning on the real stack', () => {
  let scene: Scene
  let first: CoordinatorService

  beforeAll(async () => {
    scene = await Scene.open(['orders', 'payments'])
    await scene.publish(contractOf('orders'))
    await scene.publish(contractOf('payments', ['orders']))
    scene.addKey('coordinator:two', ['coordinator'])
    first = await scene.coordinator()
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

  it('answers a proposal that comes twice once', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const rollbackId = await scene.propose(order)
    await scene.propose(order, { rollbackId, eventId: `${rollbackId}/proposed` })
    await scene.first(rollbackId, 'RollbackRequested')
    await scene.completed(rollbackId, order, 'orders')
    await scene.first(rollbackId, 'RollbackClosed')
    expect(scene.world.of(rollbackId).map(e => e.type)).toEqual([
      'RollbackProposed',
      'RollbackProposed',
      'RollbackRequested',
      'CompensationCompleted',
      'RollbackClosed',
    ])
  })

  it('plans the named systems only, and surfaces what no contract covers', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const paid = await scene.record(order, 'payments')
    const unknown = await scene.record(order, 'mainframe')
    const partly = await scene.propose(order, { systems: ['payments'] })
    const part = await scene.first(partly, 'RollbackRequested')
    const plan = thawPlan(part.data, part.data)
    expect([plan.scope, plan.steps.map(s => s.actions.map(a => a.actionId))]).toEqual([
      ['payments'],
      [[paid]],
    ])
    await scene.completed(partly, order, 'payments')
    const whole = await scene.first(await scene.propose(order), 'RollbackRequested')
    expect(thawPlan(whole.data, whole.data).surfaced).toMatchObject([
      { actionId: unknown, system: 'mainframe', code: 'absent' },
    ])
  })

  it('takes over from a coordinator that died before the end', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const rollbackId = await scene.propose(order)
    await scene.first(rollbackId, 'RollbackRequested')
    await first.stop()
    await scene.completed(rollbackId, order, 'orders')
    const waiting = scene.order()
    await scene.record(waiting, 'orders')
    const later = await scene.propose(waiting)
    await scene.coordinator('coordinator:two')
    await scene.first(rollbackId, 'RollbackClosed')
    await scene.first(later, 'RollbackRequested')
  })
})
