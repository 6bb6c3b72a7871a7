import { expect, it } from 'vitest'
import { Random } from '../simulation/engine/random.js'
import { DEEDS, planDeeds } from './deeds.js'

const HOUR = 3_600_000

it('the same seed gives the same deeds, another seed others', () => {
  expect(planDeeds(HOUR, new Random(4))).toEqual(planDeeds(HOUR, new Random(4)))
  expect(planDeeds(HOUR, new Random(4))).not.toEqual(planDeeds(HOUR, new Random(5)))
})

it('an hour sees every kind, in order of time and within the run', () => {
  const deeds = planDeeds(HOUR, new Random(4))
  expect(new Set(deeds.map(({ kind }) => kind))).toEqual(new Set(DEEDS))
  expect(deeds.map(({ at }) => at)).toEqual(deeds.map(({ at }) => at).sort((a, b) => a - b))
  expect(deeds.at(-1)!.at).toBeLessThan(HOUR)
})
