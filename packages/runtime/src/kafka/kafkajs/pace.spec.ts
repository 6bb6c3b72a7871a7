import { describe, expect, it } from 'vitest'
import { FETCH_PACE, Pace, SEND_PACE } from './pace.js'

/** Records every `everyMs` for a second; how often a request waited. */
function waits(pace: Pace, everyMs: number, records = 1): number {
  let waited = 0
  for (let now = 0; now < 1_000; now += everyMs) {
    if (pace.gather(now) > 0) waited++
    pace.note(records, now)
  }
  return waited
}

describe('the pace of requests', () => {
  it('never waits while records come one at a time', () => {
    expect(waits(new Pace(FETCH_PACE), 2)).toBe(0)
    expect(waits(new Pace(SEND_PACE), 7)).toBe(0)
  })

  it('gathers when they come faster than anybody could notice the wait', () => {
    expect(waits(new Pace(FETCH_PACE), 0.25)).toBeGreaterThan(3_000)
    expect(waits(new Pace(SEND_PACE), 2, 2)).toBeGreaterThan(300)
  })

  it('does not wait within one rollback after a pause', () => {
    const pace = new Pace(FETCH_PACE)
    pace.note(1, 0)
    const waited = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map(i => {
      pace.note(1, 500 + i)
      return pace.gather(500 + i)
    })
    expect(waited.every(ms => ms === 0)).toBe(true)
  })

  it('forgets a burst', () => {
    const pace = new Pace(FETCH_PACE)
    for (let i = 0; i < 400; i++) pace.note(10, i)
    expect(pace.gather(400)).toBe(FETCH_PACE.gatherMs)
    expect(pace.gather(600)).toBe(0)
  })
})
