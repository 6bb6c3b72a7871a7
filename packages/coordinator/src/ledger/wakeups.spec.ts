import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Wakeups } from './wakeups.js'

describe('wake-ups', () => {
  const due: string[] = []
  let wakeups: Wakeups<string>

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 })
    due.length = 0
    wakeups = new Wakeups(Date.now, key => due.push(`${key}@${Date.now()}`))
  })
  afterEach(() => {
    wakeups.stop()
    vi.useRealTimers()
  })

  it('come in the order of their moments, whatever the order in which they were asked for', () => {
    wakeups.at('c', 30)
    wakeups.at('a', 10)
    wakeups.at('d', 40)
    wakeups.at('b', 20)
    vi.advanceTimersByTime(35)
    expect(due).toEqual(['a@10', 'b@20', 'c@30'])
  })

  it('come once, at the earliest moment asked for', () => {
    wakeups.at('a', 20)
    wakeups.at('a', 10)
    wakeups.at('a', 30)
    vi.advanceTimersByTime(100)
    expect(due).toEqual(['a@10'])
  })

  it('do not come for what was forgotten, and come again when asked for again', () => {
    wakeups.at('a', 10)
    wakeups.forget('a')
    wakeups.at('b', 10)
    vi.advanceTimersByTime(50)
    wakeups.at('a', 60)
    vi.advanceTimersByTime(50)
    expect(due).toEqual(['b@10', 'a@60'])
  })

  it('come for moments further away than a timer reaches', () => {
    const far = 2 ** 31 + 5_000
    wakeups.at('far', far)
    vi.advanceTimersByTime(2 ** 31)
    expect(due).toEqual([])
    vi.advanceTimersByTime(5_000)
    expect(due).toEqual([`far@${far}`])
  })

  it('come at once for what is overdue', () => {
    vi.setSystemTime(1_000)
    wakeups.at('late', 500)
    vi.advanceTimersByTime(0)
    expect(due).toEqual(['late@1000'])
  })
})
