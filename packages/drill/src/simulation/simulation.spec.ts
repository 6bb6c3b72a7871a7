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

// Seeds with which these defects were first seen, kept so that they are looked for in every run.
describe('defects that the simulator found', () => {
  it.each([
    [5, 'a barrier waited for ever for a system that has nothing to fence with'],
    [16, 'an attempt that had waited for its turn began after the pause'],
    [460, 'a revision that met a begun step was refused, and nobody planned the next'],
    [5_227, 'an alarm that could not be written was never said again'],
    [11_536, 'an end that a revision had overtaken ended what it had opened again'],
    [11_896, 'a barrier waited for ever for a system whose step a person had skipped'],
    [15_539, 'a stopped rollback was begun by a command that alone did not tell of the stop'],
    [16_162, 'an attempt that had waited for its turn began after its tandem sibling had parked'],
    [23_794, 'a late copy of the proposal began an ended rollback again'],
    [25_379, 'an abort waited for ever for a step whose sidecar had died in the middle of it'],
    [103_399, 'a command made a restarted sidecar believe that all gates were open'],
    [324_774, 'a revision that met a skipped step was refused under its number for ever'],
    [715_960, 'a barrier missed the answer of a system that had answered an earlier revision'],
    [806_052, 'a retry that overtook the resume started a paused rollback after a restart'],
  ])('seed %i: %s', async seed => {
    expect((await runHistory(generate(seed))).violation).toBeNull()
  })
})
