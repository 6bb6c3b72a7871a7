import { describe, expect, it } from 'vitest'
import { runHistory } from './history.js'
import { runHistories } from './run.js'
import { generate } from './scenario/generate.js'

/** Ten thousand in every test run; the seeds are these, always. */
const HISTORIES = 10_000
const SEED = 1

describe('simulated histories', () => {
  it(`keep every promise (seeds ${SEED} to ${SEED + HISTORIES - 1})`, { timeout: 120_000 }, async () => {
    const result = await runHistories({ histories: HISTORIES, seed: SEED, most: 3 })
    const broken = result.failures.map(
      ({ scenario, violation }) => `seed ${scenario.seed}: ${violation?.invariant} ${violation?.message}`,
    )
    expect(broken).toEqual([])
    expect(result.histories).toBe(HISTORIES)
  })

  it.each([1, 324_774, 424_242])('of seed %i are the same again, byte for byte', async seed => {
    const first = await runHistory(generate(seed), true)
    const second = await runHistory(generate(seed), true)
    expect(second.digest).toBe(first.digest)
    expect(second.lines).toEqual(first.lines)
  })
})

describe('defects that the simulator found', () => {
  it.each([
    [15, 'a barrier waited for ever for a system that has nothing to fence with'],
    [20_639, 'an attempt that had waited for its turn began after the pause'],
    [21_094, 'a revision that met a begun step was refused, and nobody planned the next'],
    [23_794, 'a late copy of the proposal began an ended rollback again'],
    [24_253, 'an alarm that could not be written was never said again'],
    [25_379, 'an abort waited for ever for a step whose sidecar had died in the middle of it'],
    [103_399, 'a command made a restarted sidecar believe that all gates were open'],
    [324_774, 'a revision that met a skipped step was refused under its number for ever'],
  ])('seed %i: %s', async seed => {
    expect((await runHistory(generate(seed))).violation).toBeNull()
  })
})
