import { thawPlan } from '@unwind/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ledger, running } from '../testing/ledger.js'
import { act, facts, lookup, order, planned, undoes } from '../testing/planning.js'
import type { Running } from '../unwind/state.js'
import { type SupplementInput, supplementPlan } from './supplement.js'

const shop = lookup(
  facts('orders'),
  facts('payments', { dependsOn: ['orders'] }),
  facts('loyalty', { dependsOn: ['payments'] }),
  facts('mail', { actions: { 'mail.done': { reversibility: 'irreversible' } } }),
  facts('stock', { dependsOn: ['orders'] }),
)
const first = planned([act('orders', 1), act('payments', 2), act('loyalty', 3)], shop)

function next(state: Running, over: Partial<SupplementInput>) {
  const outcome = supplementPlan({
    previous: state.plan,
    steps: state.steps,
    held: new Set(),
    late: [],
    contracts: shop,
    basis: null,
    ...over,
  })
  if (outcome.kind !== 'planned') throw new Error(`expected a plan, got ${JSON.stringify(outcome)}`)
  return outcome.plan
}

describe('a late action', () => {
  test('goes into the unstarted step of a system that is held, before what the step undoes already', () => {
    const plan = next(running(ledger.requested(first)), {
      late: [act('orders', 10), act('orders', 11)],
      held: new Set(['orders']),
    })
    expect(plan.revision).toBe(2)
    expect(order(plan)).toEqual(order(first))
    expect(undoes(plan)).toEqual({
      loyalty: ['loyalty:3'],
      payments: ['payments:2'],
      orders: ['orders:11', 'orders:10', 'orders:1'],
    })
  })

  test('of a system that is not held becomes a step of its own, undone before the unstarted one', () => {
    // Its sidecar may be starting the step at this moment, with the actions that it knows (I3).
    const plan = next(running(ledger.requested(first)), { late: [act('orders', 10)] })
    expect(order(plan)).toEqual([
      '0 loyalty',
      '1 payments after loyalty',
      '2 orders~2 after payments',
      '3 orders after orders~2, payments',
    ])
    expect(undoes(plan)).toMatchObject({ orders: ['orders:1'], 'orders~2': ['orders:10'] })
  })

  test('of a step that has begun becomes a new step that waits for nothing that has settled', () => {
    const state = running(ledger.requested(first), ledger.started('loyalty'), ledger.completed('loyalty'))
    const plan = next(state, { late: [act('loyalty', 10)], held: new Set(['loyalty']) })
    expect(order(plan)).toEqual([
      '0 loyalty',
      '0 loyalty~2',
      '1 payments after loyalty, loyalty~2',
      '2 orders after payments',
    ])
  })

  test('stands beside what is parked, so that a retry after it can succeed', () => {
    const state = running(ledger.requested(first), ledger.started('loyalty'), ledger.parked('loyalty'))
    const plan = next(state, { late: [act('loyalty', 10)], held: new Set(['loyalty']) })
    expect(order(plan)).toEqual([
      '0 loyalty',
      '0 loyalty~2',
      '1 payments after loyalty, loyalty~2',
      '2 orders after payments',
    ])
  })

  test('of a step that a person opened again is not put into it', () => {
    const state = running(
      ledger.requested(first),
      ledger.started('loyalty'),
      ledger.parked('loyalty'),
      ledger.command('retry', first, { stepId: 'loyalty' }),
    )
    const plan = next(state, { late: [act('loyalty', 10)], held: new Set(['loyalty']) })
    expect(undoes(plan)).toMatchObject({ loyalty: ['loyalty:3'], 'loyalty~2': ['loyalty:10'] })
  })

  test('of a new system takes its place among the steps that have not begun', () => {
    const state = running(ledger.requested(first), ledger.started('loyalty'), ledger.completed('loyalty'))
    const plan = next(state, { late: [act('stock', 10, { causationId: 'orders:1' })] })
    expect(order(plan)).toEqual([
      '0 loyalty',
      '0 stock',
      '1 payments after loyalty',
      '2 orders after payments, stock',
    ])
  })

  test('that can no longer be put in order leaves the steps that have begun as they are', () => {
    const state = running(
      ledger.requested(first),
      ledger.completed('loyalty'),
      ledger.completed('payments'),
      ledger.started('orders'),
    )
    const plan = next(state, { late: [act('stock', 10)] })
    expect(order(plan)).toEqual([
      '0 loyalty',
      '0 stock',
      '1 payments after loyalty',
      '2 orders after payments',
    ])
    expect(plan.steps.filter(step => step.system !== 'stock')).toEqual(first.steps)
  })

  test('that cannot be undone is surfaced before what was surfaced already', () => {
    const plan = next(running(ledger.requested(first)), { late: [act('mail', 10), act('crm', 11)] })
    expect(plan.surfaced.map(s => [s.actionId, s.code])).toEqual([
      ['crm:11', 'absent'],
      ['mail:10', 'irreversible'],
    ])
    expect(plan.steps).toEqual(first.steps)
  })

  test('goes to a new step when the contract has changed since the step was approved', () => {
    const { contract } = shop.get('orders')!
    const contracts = new Map(shop).set('orders', {
      contract: { ...contract, version: '1.1.0' },
      hash: 'new',
    })
    const plan = next(running(ledger.requested(first)), {
      contracts,
      late: [act('orders', 10)],
      held: new Set(['orders']),
    })
    expect(plan.steps.map(s => [s.stepId, s.contractVersion, s.contractHash])).toEqual([
      ['loyalty', '1.0.0', 'hash of loyalty'],
      ['payments', '1.0.0', 'hash of payments'],
      ['orders~2', '1.1.0', 'new'],
      ['orders', '1.0.0', 'hash of orders'],
    ])
  })

  test('after a second supplement has the next number', () => {
    const one = running(ledger.requested(first), ledger.started('loyalty'))
    const second = next(one, { late: [act('loyalty', 10)] })
    const two = running(
      ledger.requested(first),
      ledger.started('loyalty'),
      ledger.requested(second),
      ledger.started('loyalty~2', 1, 0, { system: 'loyalty' }),
    )
    const third = next(two, { late: [act('loyalty', 11)] })
    expect(third.revision).toBe(3)
    expect(undoes(third)).toMatchObject({ 'loyalty~2': ['loyalty:10'], 'loyalty~3': ['loyalty:11'] })
  })
})

test('actions that a revision names, or that the scope leaves out, change nothing', () => {
  const scoped = planned([act('orders', 1), act('payments', 2)], shop, { scope: ['orders', 'payments'] })
  const state = running(ledger.requested(scoped))
  const outcome = supplementPlan({
    previous: scoped,
    steps: state.steps,
    held: new Set(),
    late: [act('orders', 1), act('loyalty', 3)],
    contracts: shop,
    basis: null,
  })
  expect(outcome).toEqual({ kind: 'unchanged' })
})

test('a gate that holds a tandem group holds what is added to it', () => {
  const contracts = lookup(
    facts('a', { tandem: 't', gate: { kind: 'human' } }),
    facts('b', { tandem: 't' }),
    facts('c', { tandem: 't', gate: { kind: 'bake', for: '1s' } }),
  )
  const plan = planned([act('a', 1), act('b', 2)], contracts)
  const state = running(ledger.requested(plan))
  const later = next(state, { contracts, late: [act('c', 3)] })
  expect(later.steps.map(s => [s.stepId, s.gate])).toEqual([
    ['a', 'before:a'],
    ['b', 'before:a'],
    ['c', 'before:a'],
  ])
  expect(later.gates).toEqual(plan.gates)
})

test('whatever came late and whatever had begun: the fold takes the revision, and every action is named', () => {
  const systems = ['orders', 'payments', 'loyalty', 'stock', 'mail', 'crm']
  const anyLate = fc.uniqueArray(
    fc.record({ system: fc.constantFrom(...systems), at: fc.integer({ min: 4, max: 30 }) }),
    {
      selector: item => item.at,
      minLength: 1,
      maxLength: 6,
    },
  )
  // How far the three steps have come, in the order in which they can.
  const course = [
    ledger.started('loyalty'),
    ledger.completed('loyalty'),
    ledger.started('payments'),
    ledger.completed('payments'),
    ledger.started('orders'),
    ledger.completed('orders'),
  ]
  const anySkip = fc.constantFrom(null, 'orders', 'payments')
  fc.assert(
    fc.property(
      anyLate,
      fc.nat(course.length),
      anySkip,
      fc.subarray(systems),
      (late, reached, skip, held) => {
        const skipped = skip === null ? [] : [ledger.command('skip', first, { stepId: skip })]
        const events = [ledger.requested(first), ...skipped, ...course.slice(0, reached)]
        const before = running(...events)
        const plan = next(before, {
          late: late.map(({ system, at }) => act(system, at)),
          held: new Set(held),
        })
        const after = running(...events, ledger.requested(plan))
        expect(after.refusals).toEqual([])
        expect(after.plan.revision).toBe(2)
        for (const [stepId, state] of before.steps)
          if (state.progress.status !== 'waiting') expect(after.steps.get(stepId)).toEqual(state)
        const named = [
          ...plan.steps.flatMap(s => s.actions.map(a => a.actionId)),
          ...plan.surfaced.map(s => s.actionId),
        ]
        const due = ['orders:1', 'payments:2', 'loyalty:3', ...late.map(l => `${l.system}:${l.at}`)]
        expect(named.sort()).toEqual(due.sort())
        const frozen = ledger.requested(plan)
        if (frozen.type === 'RollbackRequested') expect(thawPlan(frozen.data, plan)).toEqual(plan)
      },
    ),
    { numRuns: 400 },
  )
})
