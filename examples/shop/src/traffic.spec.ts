import { expect, it } from 'vitest'
import { planTraffic } from './traffic.js'

it('exactly the asked share fails, spread over the failure points', () => {
  const fates = planTraffic({ orders: 200, failShare: 0.1, seed: 3 })
  const failing = fates.filter(fate => fate !== null)
  expect(failing.toSorted()).toEqual(
    ['stock', 'payment', 'loyalty', 'confirmation'].flatMap(point => Array(5).fill(point)).toSorted(),
  )
  expect(fates).toHaveLength(200)
})

it('the same seed fails the same orders', () => {
  expect(planTraffic({ orders: 50, seed: 3 })).toEqual(planTraffic({ orders: 50, seed: 3 }))
  expect(planTraffic({ orders: 50, seed: 4 })).not.toEqual(planTraffic({ orders: 50, seed: 3 }))
})

it('only where it is told to', () => {
  expect(new Set(planTraffic({ orders: 20, failShare: 0.5, failAt: ['loyalty'] }))).toEqual(
    new Set([null, 'loyalty']),
  )
})
