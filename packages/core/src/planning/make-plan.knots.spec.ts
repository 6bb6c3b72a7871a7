import { describe, expect, test } from 'vitest'
import { act, facts, lookup, order, planInput, planned } from '../testing/planning.js'
import { makePlan } from './make-plan.js'

function remarks(...input: Parameters<typeof planned>) {
  const outcome = makePlan(planInput(...input))
  return outcome.kind === 'planned' ? outcome.remarks : outcome
}

describe('circles', () => {
  test('systems that called each other are undone by the last action of each, latest first', () => {
    const contracts = lookup(facts('a'), facts('b'))
    const actions = [act('a', 1), act('b', 2, { causationId: 'a:1' }), act('a', 3, { causationId: 'b:2' })]
    expect(order(planned(actions, contracts))).toEqual(['0 a', '1 b after a'])
    expect(remarks(actions, contracts)).toEqual([
      {
        code: 'mutual',
        systems: ['a', 'b'],
        message:
          'what these systems declare and how they called each other goes in a circle; undone by the last action of each, latest first: a, b',
      },
    ])
  })

  test('a declared circle is said, printed, and undone by the last action of each', () => {
    const contracts = lookup(
      facts('a', { dependsOn: ['c'] }),
      facts('b', { dependsOn: ['a'] }),
      facts('c', { dependsOn: ['b'] }),
    )
    const actions = [act('a', 1), act('c', 2), act('b', 3)]
    expect(order(planned(actions, contracts))).toEqual(['0 b', '1 c after b', '2 a after b, c'])
    expect(remarks(actions, contracts)).toEqual([
      {
        code: 'declared-cycle',
        systems: ['b', 'c', 'a'],
        message:
          'contracts depend on each other in a circle: a dependsOn c dependsOn b dependsOn a; undone by the last action of each, latest first: b, c, a. Remove one dependsOn.',
      },
    ])
  })

  test('whoever waits for one of a circle waits for all of it', () => {
    const contracts = lookup(
      facts('base'),
      facts('a', { dependsOn: ['b', 'base'] }),
      facts('b', { dependsOn: ['a'] }),
      facts('top', { dependsOn: ['b'] }),
    )
    const actions = [act('base', 1), act('a', 2), act('b', 3), act('top', 4)]
    expect(order(planned(actions, contracts))).toEqual([
      '0 top',
      '1 b after top',
      '2 a after b, top',
      '3 base after a, b',
    ])
  })
})

describe('tandem groups', () => {
  test('share the latest tier of the group, and whoever waits for one member waits for all', () => {
    const contracts = lookup(
      facts('orders'),
      facts('payments', { dependsOn: ['orders'], tandem: 'money' }),
      facts('ledger', { tandem: 'money' }),
      facts('mail', { dependsOn: ['payments'] }),
    )
    const plan = planned([act('orders', 1), act('payments', 2), act('ledger', 3), act('mail', 4)], contracts)
    expect(order(plan)).toEqual([
      '0 mail',
      '1 ledger after mail',
      '1 payments after mail',
      '2 orders after ledger, payments',
    ])
    expect(plan.steps.map(step => step.tandem)).toEqual([null, 'money', 'money', null])
  })

  test('keep an order between their members', () => {
    const contracts = lookup(
      facts('a', { tandem: 'pair' }),
      facts('b', { tandem: 'pair', dependsOn: ['a'] }),
      facts('top', { dependsOn: ['a'] }),
    )
    const plan = planned([act('a', 1), act('b', 2), act('top', 3)], contracts)
    expect(order(plan)).toEqual(['0 top', '1 b after top', '2 a after b, top'])
  })

  test('with a system between two members that order contradicts are said and put one after the other', () => {
    const contracts = lookup(
      facts('a', { tandem: 'pair' }),
      facts('x', { dependsOn: ['a'] }),
      facts('b', { tandem: 'pair', dependsOn: ['x'] }),
    )
    const actions = [act('a', 1), act('x', 2), act('b', 3)]
    expect(order(planned(actions, contracts))).toEqual(['0 a', '0 b', '1 x after a, b'])
    expect(remarks(actions, contracts)).toEqual([
      {
        code: 'tandem-conflict',
        systems: ['a', 'b', 'x'],
        message:
          'a tandem group and the order contradict each other; undone by the last action of each, latest first: a, b, x. Take a system out of the group, or remove a dependsOn.',
      },
    ])
  })
})

describe('gates', () => {
  test('stand before the step whose contract asks for them', () => {
    const contracts = lookup(
      facts('orders', { gate: { kind: 'human' } }),
      facts('payments', { dependsOn: ['orders'], gate: { kind: 'bake', for: '5m' } }),
    )
    const plan = planned([act('orders', 1), act('payments', 2)], contracts)
    expect(plan.gates).toEqual([
      { gateId: 'before:payments', beforeTier: 0, kind: 'bake', bakeMs: 300_000 },
      { gateId: 'before:orders', beforeTier: 1, kind: 'human', bakeMs: 0 },
    ])
    expect(plan.steps.map(step => step.gate)).toEqual(['before:payments', 'before:orders'])
  })

  test('of one member hold the whole tandem group, the strictest of several', () => {
    const contracts = lookup(
      facts('a', { tandem: 't', gate: { kind: 'bake', for: '1h' } }),
      facts('b', { tandem: 't', gate: { kind: 'human' } }),
      facts('c', { tandem: 't' }),
    )
    const plan = planned([act('a', 1), act('b', 2), act('c', 3)], contracts)
    expect(plan.gates).toEqual([{ gateId: 'before:b', beforeTier: 0, kind: 'human', bakeMs: 0 }])
    expect(plan.steps.map(step => step.gate)).toEqual(['before:b', 'before:b', 'before:b'])
  })
})
