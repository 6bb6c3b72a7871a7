import { freezePlan, thawPlan } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { act, facts, lookup, order, planInput, planned, undoes } from '../testing/planning.js'
import { makePlan } from './make-plan.js'

const shop = lookup(
  facts('stock'),
  facts('orders'),
  facts('payments', { dependsOn: ['orders', 'stock'] }),
  facts('loyalty', { dependsOn: ['payments'] }),
)

describe('order', () => {
  test('is the reverse of the declared dependencies, independent systems side by side', () => {
    const plan = planned([act('stock', 1), act('orders', 2), act('payments', 3), act('loyalty', 4)], shop)
    expect(order(plan)).toEqual([
      '0 loyalty',
      '1 payments after loyalty',
      '2 orders after payments',
      '2 stock after payments',
    ])
  })

  test('follows what was seen where nothing is declared', () => {
    const contracts = lookup(facts('a'), facts('b'), facts('c'))
    const actions = [act('a', 1), act('b', 2, { causationId: 'a:1' }), act('c', 3, { causationId: 'b:2' })]
    expect(order(planned(actions, contracts))).toEqual(['0 c', '1 b after c', '2 a after b'])
  })

  test('does not wait where nothing is declared and nothing was seen', () => {
    const contracts = lookup(facts('a'), facts('b'))
    expect(order(planned([act('a', 1), act('b', 2)], contracts))).toEqual(['0 a', '0 b'])
  })

  test('runs through a system that did not act', () => {
    const plan = planned([act('orders', 1), act('loyalty', 2)], shop)
    expect(order(plan)).toEqual(['0 loyalty', '1 orders after loyalty'])
  })

  test('runs through a system whose actions cannot be undone', () => {
    const contracts = lookup(
      facts('a'),
      facts('mail', { actions: { 'mail.done': { reversibility: 'irreversible' } } }),
      facts('b'),
    )
    const actions = [
      act('a', 1),
      act('mail', 2, { causationId: 'a:1' }),
      act('b', 3, { causationId: 'mail:2' }),
    ]
    expect(order(planned(actions, contracts))).toEqual(['0 b', '1 a after b'])
  })

  test('stays the same among the others when the scope leaves a system out', () => {
    const actions = [act('orders', 1), act('payments', 2), act('loyalty', 3)]
    const plan = planned(actions, shop, { scope: ['orders', 'loyalty'] })
    expect(order(plan)).toEqual(['0 loyalty', '1 orders after loyalty'])
    expect(plan.scope).toEqual(['loyalty', 'orders'])
    expect(plan.surfaced).toEqual([])
  })

  test('within a step is the reverse of what happened', () => {
    const plan = planned([act('stock', 9), act('stock', 3), act('stock', 10)], shop)
    expect(undoes(plan)).toEqual({ stock: ['stock:10', 'stock:9', 'stock:3'] })
  })
})

describe('what cannot be undone', () => {
  test('is surfaced, latest first, and the rest is planned', () => {
    const contracts = lookup(
      facts('orders'),
      facts('mail', { actions: { 'mail.done': { reversibility: 'irreversible' } } }),
    )
    const plan = planned(
      [act('orders', 1), act('orders', 2, { action: 'orders.archived' }), act('mail', 3), act('crm', 4)],
      contracts,
    )
    expect(undoes(plan)).toEqual({ orders: ['orders:1'] })
    expect(plan.surfaced).toEqual([
      {
        actionId: 'crm:4',
        system: 'crm',
        action: 'crm.done',
        code: 'absent',
        message: 'no contract is published for crm: publish one, then roll back again',
      },
      {
        actionId: 'mail:3',
        system: 'mail',
        action: 'mail.done',
        code: 'irreversible',
        message: 'contract mail 1.0.0 declares it irreversible: ask team mail (mail@example.org)',
      },
      {
        actionId: 'orders:2',
        system: 'orders',
        action: 'orders.archived',
        code: 'contract',
        message: 'contract orders 1.0.0 does not name orders.archived: ask team orders to add it',
      },
    ])
  })

  test('an action named like a property of every object is not in the contract', () => {
    const plan = planned([act('orders', 1, { action: 'constructor' })], lookup(facts('orders')))
    expect(plan.steps).toEqual([])
    expect(plan.surfaced.map(s => s.code)).toEqual(['contract'])
  })
})

describe('the plan', () => {
  test('carries what a step needs, and thaws to itself', () => {
    const outcome = makePlan(
      planInput([act('orders', 4, { resource: 'orders/17', data: '{"id":17}' })], shop, {
        barrier: true,
        basis: { partition: 2, offset: '5' },
      }),
    )
    if (outcome.kind !== 'planned') throw new Error(outcome.kind)
    expect(outcome.plan).toEqual({
      format: 1,
      rollbackId: 'rb-1',
      correlationId: 'order-1',
      revision: 1,
      scope: [],
      barrier: true,
      basis: { partition: 2, offset: '5' },
      steps: [
        {
          stepId: 'orders',
          system: 'orders',
          tier: 0,
          waitsFor: [],
          tandem: null,
          gate: null,
          contractVersion: '1.0.0',
          contractHash: 'hash of orders',
          deadlineMs: 60_000,
          actions: [
            { actionId: 'orders:4', action: 'orders.done', resource: 'orders/17', data: '{"id":17}' },
          ],
        },
      ],
      gates: [],
      surfaced: [],
    })
    expect(outcome.frozen).toEqual(freezePlan(outcome.plan))
    expect(thawPlan(outcome.frozen, outcome.plan)).toEqual(outcome.plan)
  })

  test('of a correlation ID without actions has no steps', () => {
    expect(planned([], shop)).toMatchObject({ steps: [], gates: [], surfaced: [] })
  })

  test('names an action once, as the log had it first', () => {
    const copy = act('stock', 8, { actionId: 'stock:2', data: '{"forged":true}' })
    const plan = planned([copy, act('stock', 2), act('stock', 2)], shop)
    expect(plan.steps[0]?.actions).toEqual([
      { actionId: 'stock:2', action: 'stock.done', resource: null, data: '{}' },
    ])
  })

  test('that does not fit into a record is refused with what to do', () => {
    const actions = Array.from({ length: 600 }, (_, i) => act('orders', i, { data: `"${'ä'.repeat(500)}"` }))
    const outcome = makePlan(planInput([...actions, act('stock', 601)], shop))
    expect(outcome).toEqual({
      kind: 'refused',
      code: 'contract',
      message: expect.stringMatching(
        /^rollback rb-1 of order-1: the plan of 601 actions \(orders 600, stock 1\) takes \d+ bytes, more than the 524288 that fit into one record$/,
      ),
      hint: 'limit the scope to some of the systems and roll back in several parts, or record fewer and coarser actions',
    })
  })
})
