import { expect, test } from 'vitest'
import { act, facts, lookup, planned } from '../testing/planning.js'
import { whyNotPartly } from './partly.js'
import { policySchema } from './policy.js'

const shop = lookup(facts('orders'), facts('payments', { dependsOn: ['orders'] }))
const actions = [act('orders', 1), act('payments', 2)]
const leaves = planned(actions, shop, { scope: ['orders'] })
const policy = (dependants: string) => policySchema.parse({ partial: { dependants } })
const why =
  'and 1 actions that build on what is undone would stay: payments payments.done (payments depends on orders)'

test('what stays inconsistent must be accepted by whoever asks, unless the policy allows it', () => {
  expect(whyNotPartly(policy('ask'), leaves, false)).toBe(
    `policy default 1.0.0: partial.dependants is "ask", ${why}; widen the part, or propose again and accept them (--accept-partial)`,
  )
  expect(whyNotPartly(policy('ask'), leaves, true)).toBeNull()
  expect(whyNotPartly(policy('allow'), leaves, false)).toBeNull()
})

test('a policy can refuse it whatever the proposal accepts', () => {
  expect(whyNotPartly(policy('refuse'), leaves, true)).toBe(
    `policy default 1.0.0: partial.dependants is "refuse", ${why}; roll back the whole of it, or a part that has them in it`,
  )
})

test('a part on which nothing builds, and the whole, need nothing', () => {
  expect(whyNotPartly(policy('refuse'), planned(actions, shop, { scope: ['payments'] }), false)).toBeNull()
  expect(whyNotPartly(policy('refuse'), planned(actions, shop), false)).toBeNull()
})
