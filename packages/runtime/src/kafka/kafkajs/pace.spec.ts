import { describe, expect, it } from 'vitest'
import { Pace } from './pace.js'

/** One record every `everyMs` for a second; how often it waited. */
function waits(everyMs: number, records = 1): number {
  const pace = new Pace()
  let waited = 0
  for (let now = 0; now < 1_000; now += everyMs) if (pace.after(records, now) > 0) waited++
  return waited
}

describe('the pace of fetching', () => {
  it('never waits while records come one at a time', () => {
    expect(waits(1)).toBe(0)
  })

  it('gathers when they come faster than anybody could notice the wait', () => {
    expect(waits(0.25)).toBeGreaterThan(3_000)
  })

  it('does not wait for what a burst of one rollback brings', () => {
    const pace = new Pace()
    pace.after(1, 0)
    const waited = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map(i => pace.after(1, 500 + i))
    expect(waited.every(ms => ms === 0)).toBe(true)
  })

  it('forgets a burst', () => {
    const pace = new Pace()
    for (let i = 0; i < 400; i++) pace.after(10, i)
    expect(pace.after(1, 600)).toBe(0)
  })
})
