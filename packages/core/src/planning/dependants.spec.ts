import { describe, expect, test } from 'vitest'
import { act, facts, lookup, planned, undoes } from '../testing/planning.js'

const shop = lookup(
  facts('orders', { actions: { 'orders.done': {}, 'orders.paid': {} } }),
  facts('payments', { dependsOn: ['orders'] }),
  facts('loyalty', { dependsOn: ['payments'] }),
  facts('mail'),
)
const placed = act('orders', 1, { resource: 'orders/7' })
const captured = act('payments', 2, { resource: 'payments/7', causationId: 'orders:1' })
const paid = act('orders', 3, { action: 'orders.paid', resource: 'orders/7', causationId: 'payments:2' })
const points = act('loyalty', 4, { resource: 'points/3' })
const all = [placed, captured, paid, points]
const left = (over: Parameters<typeof planned>[2], actions = all) =>
  planned(actions, shop, over).left?.map(item => `${item.actionId}: ${item.because}`)

describe('a part by system', () => {
  test('names what was caused by it and what depends on it by contract, last first', () => {
    expect(left({ scope: ['orders'] })).toEqual([
      'loyalty:4: loyalty depends on orders',
      'payments:2: payments depends on orders',
    ])
  })

  test('leaves nothing when it is the end of the chain, and then says nothing', () => {
    const plan = planned(all, shop, { scope: ['loyalty'] })
    expect('left' in plan).toBe(false)
    expect('selection' in plan).toBe(false)
  })
})

describe('a part by action', () => {
  test('takes actions by name', () => {
    const plan = planned(all, shop, { selection: { actions: ['orders.paid'], resources: [] } })
    expect(undoes(plan)).toEqual({ orders: ['orders:3'] })
    expect(plan.selection).toEqual({ actions: ['orders.paid'], resources: [] })
    expect(plan.scope).toEqual([])
  })

  test('takes a single action by its ID, and names what came later on the same resource', () => {
    expect(undoes(planned(all, shop, { selection: { actions: ['orders:1'], resources: [] } }))).toEqual({
      orders: ['orders:1'],
    })
    expect(left({ selection: { actions: ['orders:1'], resources: [] } })).toEqual([
      'loyalty:4: loyalty depends on orders',
      'orders:3: it came after orders:1 on orders/7',
      'payments:2: payments depends on orders',
    ])
  })

  test('does not name what came before on the same resource', () => {
    expect(left({ selection: { actions: ['orders:3'], resources: [] } }, [placed, paid])).toBeUndefined()
  })

  test('follows causes through systems that no contract joins', () => {
    const chain = [
      act('mail', 1),
      act('mail', 2, { causationId: 'mail:1' }),
      act('mail', 3, { causationId: 'mail:2' }),
    ]
    expect(left({ selection: { actions: ['mail:1'], resources: [] } }, chain)).toEqual([
      'mail:3: mail:2 caused it',
      'mail:2: mail:1 caused it',
    ])
  })
})

describe('a part by resource', () => {
  test('takes every action on it, and none without a resource', () => {
    const actions = [...all, act('mail', 5)]
    const plan = planned(actions, shop, { selection: { actions: [], resources: ['orders/7'] } })
    expect(undoes(plan)).toEqual({ orders: ['orders:3', 'orders:1'] })
  })

  test('is narrowed further by systems and actions: all must fit', () => {
    const selection = { actions: ['orders.done'], resources: ['orders/7'] }
    expect(undoes(planned(all, shop, { scope: ['orders'], selection }))).toEqual({ orders: ['orders:1'] })
    expect(planned(all, shop, { scope: ['payments'], selection }).steps).toEqual([])
  })
})

test('the order in which a part is written does not show in the plan', () => {
  const of = (scope: string[], actions: string[]) =>
    JSON.stringify(planned(all, shop, { scope, selection: { actions, resources: ['b', 'orders/7', 'a'] } }))
  expect(of(['payments', 'orders'], ['x', 'orders.done', 'x'])).toBe(
    of(['orders', 'payments'], ['orders.done', 'x']),
  )
})
