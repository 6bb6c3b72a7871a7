import type { Json } from '@unwind/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Strategy, UnleashServer } from '../../support/flag-servers/unleash.js'
import { Closers, open, type Store, unleash, workOn } from './harness.js'

const closers = new Closers()
let store: Store<UnleashServer>

beforeEach(async () => {
  store = await unleash(closers)
})
afterEach(() => closers.close())

const json = (value: unknown) => structuredClone(value) as Json
const called = () =>
  store.server.writes.map(({ method, path }) => `${method} ${path.split('/').slice(-2).join('/')}`)

describe('a flag in Unleash', () => {
  it('is restored with its strategies, and off before anything else when it was off', async () => {
    const kept = store.server.rollout(20)
    const gone = store.server.rollout(5, { sortOrder: 1 })
    const before = { enabled: false, strategies: json([kept, gone]) }
    const raised: Strategy = { ...kept, parameters: { ...kept.parameters, rollout: '100' } }
    const extra = store.server.rollout(50, { sortOrder: 2 })
    const after = { enabled: true, strategies: json([raised, extra]) }
    store.server.add('checkout', {
      enabled: true,
      strategies: [structuredClone(raised), structuredClone(extra)],
    })
    const adapter = store.adapter()
    await adapter.start()
    expect(await adapter.undo(workOn([{ before, after }]), open)).toMatchObject({
      kind: 'applied',
      before: false,
    })
    expect(called()).toEqual([
      'POST checkout/tags',
      'POST production/off',
      `PUT strategies/${kept.id}`,
      'POST production/strategies',
      `DELETE strategies/${extra.id}`,
    ])
    const { enabled, strategies } = store.server.environmentOf('checkout')
    expect(enabled).toBe(false)
    expect(strategies.map(({ parameters }) => parameters.rollout)).toEqual(['20', '5'])
    // The strategy that was deleted has a new ID: that is no difference.
    expect(await adapter.undo(workOn([{ before, after }]), open)).toMatchObject({
      kind: 'applied',
      before: true,
    })
    expect(await adapter.probe(workOn([{ before, after }]), open)).toMatchObject({ restored: 1, expected: 1 })
    expect(store.server.events[0]?.preData).toEqual({ enabled: true, strategies: [raised, extra] })
  })

  it('a connection that is cut half-way is unknown, and the next try does the rest only', async () => {
    const strategy = store.server.rollout(100)
    const before = { enabled: false, strategies: json([{ ...strategy, parameters: { rollout: '0' } }]) }
    const after = { enabled: true, strategies: json([strategy]) }
    store.server.add('checkout', { enabled: true, strategies: [structuredClone(strategy)] })
    const adapter = store.adapter()
    store.server.disturb = ({ method }) => (method === 'PUT' ? { kind: 'cut-before' } : null)
    expect(await adapter.undo(workOn([{ before, after }]), open)).toMatchObject({
      kind: 'failed',
      code: 'unknown',
    })
    store.server.disturb = () => null
    // Half-way, the flag is off and its strategy is still the action's: that is our own doing, and no conflict.
    expect(await adapter.undo(workOn([{ before, after }]), open)).toMatchObject({
      kind: 'applied',
      before: false,
    })
    expect(called().filter(call => call.endsWith('/off'))).toHaveLength(1)
    expect(await adapter.probe(workOn([{ before, after }]), open)).toMatchObject({ restored: 1 })
  })

  it('changed by somebody else is a conflict told field by field, and untouched', async () => {
    const strategy = store.server.rollout(100)
    const before = { enabled: false, strategies: json([strategy]) }
    const after = { enabled: true, strategies: json([strategy]) }
    const newer = { ...strategy, constraints: [{ contextName: 'country', operator: 'IN', values: ['PT'] }] }
    store.server.add('checkout', { enabled: true, strategies: [newer] })
    const result = await store.adapter().undo(workOn([{ before, after }]), open)
    expect(result).toMatchObject({
      kind: 'conflict',
      differences: [{ item: 'checkout', field: 'strategies' }],
    })
    expect(store.server.writes).toEqual([])
  })
})
