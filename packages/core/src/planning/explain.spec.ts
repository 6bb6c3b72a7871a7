import { expect, test } from 'vitest'
import { act, facts, lookup, planned } from '../testing/planning.js'
import { explainPlan, formatDuration } from './explain.js'

test('a plan is explained in rows, with what holds each step and what cannot be undone', () => {
  const contracts = lookup(
    facts('orders', { gate: { kind: 'human' } }),
    facts('payments', { dependsOn: ['orders'], deadline: '90s', gate: { kind: 'bake', for: '5m' } }),
    facts('mail', { actions: { 'mail.done': { reversibility: 'irreversible' } } }),
  )
  const plan = planned(
    [act('orders', 1, { resource: 'orders/17' }), act('orders', 2), act('payments', 3), act('mail', 4)],
    contracts,
  )
  expect(explainPlan(plan)).toEqual({
    rows: [
      {
        tier: 0,
        stepId: 'payments',
        system: 'payments',
        undoes: ['payments.done'],
        waitsFor: [],
        tandem: null,
        gate: 'bakes for 5m',
        deadline: '90s',
      },
      {
        tier: 1,
        stepId: 'orders',
        system: 'orders',
        undoes: ['orders.done', 'orders.done orders/17'],
        waitsFor: ['payments'],
        tandem: null,
        gate: 'a person opens before:orders',
        deadline: '1m',
      },
    ],
    surfaced: [
      {
        system: 'mail',
        action: 'mail.done',
        actionId: 'mail:4',
        code: 'irreversible',
        irreversible: true,
        message: 'contract mail 1.0.0 declares it irreversible: ask team mail (mail@example.org)',
      },
    ],
    part: null,
    left: [],
    totals: { systems: 2, steps: 2, tiers: 2, actions: 3, gates: 2, irreversible: 1 },
  })
})

test.each([
  [0, '0ms'],
  [200, '200ms'],
  [1_500, '1500ms'],
  [5_000, '5s'],
  [90_000, '90s'],
  [600_000, '10m'],
  [7_200_000, '2h'],
  [604_800_000, '7d'],
])('%i ms is written %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
