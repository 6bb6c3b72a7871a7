import type { Plan, PlanStep } from '@unwind/contracts'
import type { SigningKey } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryTarget } from '../../support/memory-target.js'
import { loaded, requestOf, World } from '../../support/world.js'

const contractOf = (system: string, retry = {}) =>
  loaded({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: system, contact: `${system}@example.com` },
    success: 'it is as it was',
    adapter: { kind: 'memory' },
    actions: { done: { retry: { attempts: 3, initial: '10ms', max: '50ms', ...retry } } },
  })

let rollbacks = 0
function planOf(steps: readonly { system: string; waitsFor?: readonly string[]; hash?: string }[]): Plan {
  const rollbackId = `rb-${++rollbacks}`
  const planned = steps.map<PlanStep>(({ system, waitsFor = [], hash }) => ({
    stepId: system,
    system,
    tier: waitsFor.length === 0 ? 0 : 1,
    waitsFor,
    tandem: null,
    gate: null,
    contractVersion: '1.0.0',
    contractHash: hash ?? contractOf(system).hash,
    deadlineMs: 60_000,
    actions: [{ actionId: `${system}:${rollbackId}`, action: 'done', resource: null, data: '{}' }],
  }))
  const base = {
    format: 1,
    correlationId: `order-${rollbackId}`,
    revision: 1,
    scope: [],
    barrier: false,
    basis: null,
  } as const
  return { ...base, rollbackId, steps: planned, gates: [], surfaced: [] }
}

describe('the sidecar loop on a real ledger', () => {
  let world: World
  let coordinator: SigningKey
  let loyaltyKey: SigningKey
  let paymentsKey: SigningKey
  let send: Awaited<ReturnType<World['sender']>>
  const loyalty = new MemoryTarget()
  const payments = new MemoryTarget({ atomicEffect: false, findsActions: false, fence: 'none' })
  const types = (rollbackId: string) =>
    world.of(rollbackId).map(e => e.data.eventId.slice(rollbackId.length + 1))

  beforeAll(async () => {
    world = await World.open()
    coordinator = world.key('coordinator:test', ['coordinator'])
    loyaltyKey = world.key('sidecar:loyalty', ['sidecar'], ['loyalty'])
    paymentsKey = world.key('sidecar:payments', ['sidecar'], ['payments'])
    send = await world.sender(coordinator)
    await world.sidecar(contractOf('loyalty'), () => () => loyalty, loyaltyKey)
    await world.sidecar(contractOf('payments'), () => () => payments, paymentsKey)
  })
  afterAll(() => world?.close())

  it('runs tier after tier without a coordinator', async () => {
    const plan = planOf([{ system: 'loyalty' }, { system: 'payments', waitsFor: ['loyalty'] }])
    await send.send(requestOf(plan, coordinator))
    await world.event(`${plan.rollbackId}/payments/completed/0`)
    // Its effect and record are one: it is announced only if it is slow, and on a busy machine it may be.
    expect(types(plan.rollbackId).filter(id => id !== 'loyalty/started/0.1')).toEqual([
      'requested/r1',
      'loyalty/completed/0',
      'payments/started/0.1',
      'payments/completed/0',
    ])
    expect(loyalty.effects.get(`${plan.rollbackId}/loyalty`)).toBe(1)
    expect(payments.effects.get(`${plan.rollbackId}/payments`)).toBe(1)
  })

  it('has one effect when the request is delivered three times (I2)', async () => {
    const plan = planOf([{ system: 'payments' }])
    const request = requestOf(plan, coordinator)
    await Promise.all([send.send(request), send.send(request), send.send(request)])
    await world.event(`${plan.rollbackId}/payments/completed/0`)
    const after = planOf([{ system: 'payments' }])
    await send.send(requestOf({ ...after, correlationId: plan.correlationId }, coordinator))
    await world.event(`${after.rollbackId}/payments/completed/0`)
    expect(payments.effects.get(`${plan.rollbackId}/payments`)).toBe(1)
    expect(types(plan.rollbackId).filter(t => t.includes('completed'))).toHaveLength(1)
  })

  it('looks first when the outcome of an attempt is unknown, and finds its effect', async () => {
    const plan = planOf([{ system: 'payments' }])
    payments.undoScript.push('throw-after-effect')
    await send.send(requestOf(plan, coordinator))
    await world.event(`${plan.rollbackId}/payments/completed/0`)
    expect(types(plan.rollbackId)).toEqual([
      'requested/r1',
      'payments/started/0.1',
      'payments/failed/0.1',
      'payments/started/0.2',
      'payments/completed/0',
    ])
    expect(world.of(plan.rollbackId).at(-1)?.data).toMatchObject({ outcome: 'already-restored' })
    expect(payments.effects.get(`${plan.rollbackId}/payments`)).toBe(1)
  })

  it('parks a conflict with its differences, and goes on after a person decided', async () => {
    const plan = planOf([{ system: 'loyalty' }, { system: 'payments', waitsFor: ['loyalty'] }])
    const difference = { item: 'row 1', field: 'qty', before: '1', after: '2', current: '3' }
    loyalty.undoScript.push({ kind: 'conflict', differences: [difference] })
    const request = requestOf(plan, coordinator)
    await send.send(request)
    const parked = await world.event(`${plan.rollbackId}/loyalty/parked/0`)
    expect(parked.data).toMatchObject({ code: 'conflict', differences: [difference] })
    const {
      plan: text,
      planHash,
      approvals,
    } = request.data as unknown as {
      plan: string
      planHash: string
      approvals: []
    }
    await send.send({
      type: 'OperatorCommandIssued',
      data: {
        eventId: `${plan.rollbackId}/command/1`,
        correlationId: plan.correlationId,
        rollbackId: plan.rollbackId,
        occurredAt: Date.now(),
        emitter: coordinator.principal,
        causationId: null,
        command: 'resolve',
        stepId: 'loyalty',
        actor: 'user:ana',
        reason: 'the later write was a mistake',
        evidence: null,
        resolution: 'force',
        revision: 1,
        plan: text,
        planHash,
        approvals,
        steps: [],
      },
    })
    await world.event(`${plan.rollbackId}/payments/completed/0`)
    expect(types(plan.rollbackId).slice(-4)).toEqual([
      'loyalty/started/1.1',
      'loyalty/completed/1',
      'payments/started/0.1',
      'payments/completed/0',
    ])
  })

  it('does nothing for a request that a stranger signed, and goes on with the next (I5)', async () => {
    const stranger = world.key('coordinator:test', ['coordinator'])
    const forged = await world.sender(stranger)
    const plan = planOf([{ system: 'loyalty' }])
    await forged.send(requestOf(plan, stranger))
    const next = planOf([{ system: 'loyalty' }])
    await send.send(requestOf({ ...next, correlationId: plan.correlationId }, coordinator))
    await world.event(`${next.rollbackId}/loyalty/completed/0`)
    expect(types(plan.rollbackId)).toEqual(['requested/r1'])
    expect(loyalty.effects.has(`${plan.rollbackId}/loyalty`)).toBe(false)
  })

  it('does nothing for a plan that its approval does not cover (I5)', async () => {
    const plan = planOf([{ system: 'loyalty' }])
    const approval = {
      approver: 'policy:default',
      planHash: 'f'.repeat(64),
      grantedAt: 1,
      expiresAt: null,
      keyId: coordinator.keyId,
      signature: '',
    }
    await send.send(requestOf(plan, coordinator, { approvals: [approval] }))
    const next = planOf([{ system: 'loyalty' }])
    await send.send(requestOf({ ...next, correlationId: plan.correlationId }, coordinator))
    await world.event(`${next.rollbackId}/loyalty/completed/0`)
    expect(types(plan.rollbackId)).toEqual(['requested/r1'])
  })

  it('does nothing for a plan whose hash is not that of its bytes', async () => {
    const plan = planOf([{ system: 'loyalty' }])
    await send.send(requestOf(plan, coordinator, { plan: `${JSON.stringify(plan)} ` }))
    const next = planOf([{ system: 'loyalty' }])
    await send.send(requestOf({ ...next, correlationId: plan.correlationId }, coordinator))
    await world.event(`${next.rollbackId}/loyalty/completed/0`)
    expect(types(plan.rollbackId)).toEqual(['requested/r1'])
  })

  it('parks before any effect when the plan was made with another contract', async () => {
    const plan = planOf([{ system: 'loyalty', hash: 'e'.repeat(64) }])
    await send.send(requestOf(plan, coordinator))
    const parked = await world.event(`${plan.rollbackId}/loyalty/parked/0`)
    expect(parked.data).toMatchObject({ code: 'contract' })
    expect(loyalty.effects.has(`${plan.rollbackId}/loyalty`)).toBe(false)
  })

  it('finds its way after a restart: what is settled stays, what is open goes on', async () => {
    const key = world.key('sidecar:stock', ['sidecar'], ['stock'])
    const target = new MemoryTarget()
    const settled = planOf([{ system: 'stock' }])
    const open = planOf([{ system: 'loyalty' }, { system: 'stock', waitsFor: ['loyalty'] }])
    let goOn: () => void = () => undefined
    loyalty.gate = new Promise(resolve => {
      goOn = resolve
    })
    const first = await world.sidecar(contractOf('stock'), () => () => target, key)
    await send.send(requestOf(settled, coordinator))
    await send.send(requestOf({ ...open, correlationId: settled.correlationId }, coordinator))
    await world.event(`${settled.rollbackId}/stock/completed/0`)
    await world.event(`${open.rollbackId}/loyalty/started/0.1`)
    await first.stop()
    await world.sidecar(contractOf('stock'), () => () => target, key)
    goOn()
    await world.event(`${open.rollbackId}/stock/completed/0`)
    expect([...target.effects]).toEqual([
      [`${settled.rollbackId}/stock`, 1],
      [`${open.rollbackId}/stock`, 1],
    ])
  })
})
