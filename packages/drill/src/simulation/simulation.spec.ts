import { describe, expect, it } from 'vitest'
import { runHistory } from './history.js'
import { runHistories } from './run.js'
import { generate } from './scenario/generate.js'

/** Ten thousand in every test run; the seeds are these, always. */
const HISTORIES = 10_000
const SEED = 1

describe('simulated histories', () => {
  it(`keep every promise (seeds ${SEED} to ${SEED + HISTORIES - 1})`, { timeout: 400_000 }, async () => {
    const result = await runHistories({ histories: HISTORIES, seed: SEED, most: 3 })
    const broken = result.failures.map(
      ({ seed, violation }) => `seed ${seed}: ${violation.invariant} ${violation.message}`,
    )
    expect(broken).toEqual([])
    expect(result.histories).toBe(HISTORIES)
    expect(result.events / result.histories).toBeGreaterThan(25)
  })

  /** What each of them found is mended; a generator that changes makes other histories of them. */
  it.each([
    3_089, 10_016, 21_919, 26_422, 40_114, 72_099, 82_894, 94_133, 99_226, 110_289, 149_802, 168_580, 203_443,
    178_027, 185_736, 307_313, 407_255, 1_017_052, 1_041_728, 1_101_677, 1_157_904, 1_243_143, 1_252_506,
    1_274_534, 1_592_189, 1_674_284, 1_734_504, 1_789_052, 1_831_924, 1_876_596, 1_930_200, 20_263_672,
    20_280_515,
  ])('of seed %i, which once broke a promise, keeps every one', async seed => {
    expect((await runHistory(generate(seed))).violation).toBeNull()
  })

  it.each([1, 4_609, 324_774, 424_242])('of seed %i are the same again, byte for byte', async seed => {
    const first = await runHistory(generate(seed), true)
    const second = await runHistory(generate(seed), true)
    expect(second.digest).toBe(first.digest)
    expect(second.lines).toEqual(first.lines)
  })
})
