import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Watchdog } from './watchdog.js'

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function watch(idle: () => boolean = () => false) {
  const said: string[] = []
  const watchdog = new Watchdog(1_000, {
    idle,
    restart: () => said.push('restart'),
    giveUp: error => said.push(error.message),
    log,
  })
  watchdog.start()
  const alive = setInterval(() => watchdog.turn('group'), 500)
  return { said, watchdog, alive }
}

test('a fetch that turns is left alone, and so is one that has nothing to fetch', () => {
  const busy = watch()
  const turning = setInterval(() => busy.watchdog.turn('fetch'), 900)
  const idle = watch(() => true)
  vi.advanceTimersByTime(60_000)
  expect([busy.said, idle.said]).toEqual([[], []])
  clearInterval(turning)
})

test('a fetch that is stuck is restarted three times, then the consumer gives up, once', () => {
  const { said } = watch()
  vi.advanceTimersByTime(60_000)
  expect(said).toEqual([
    'restart',
    'restart',
    'restart',
    "The consumer's fetching is stuck and did not come back; restart the process.",
  ])
})

test('a restart that helps is forgotten', () => {
  const { said, watchdog } = watch()
  for (let n = 0; n < 5; n++) {
    vi.advanceTimersByTime(1_500)
    watchdog.turn('fetch')
  }
  expect(said).toEqual(Array(5).fill('restart'))
})

test('a group loop that is stuck cannot be restarted: the consumer gives up', () => {
  const { said, watchdog, alive } = watch()
  const turning = setInterval(() => watchdog.turn('fetch'), 500)
  clearInterval(alive)
  vi.advanceTimersByTime(10_000)
  expect(said).toEqual([
    "The consumer's group membership is stuck and did not come back; restart the process.",
  ])
  clearInterval(turning)
})

test('a reader that belongs to no group never gives up for want of a membership', () => {
  const said: string[] = []
  const watchdog = new Watchdog(1_000, {
    idle: () => true,
    grouped: false,
    restart: () => said.push('restart'),
    giveUp: error => said.push(error.message),
    log,
  })
  watchdog.start()
  vi.advanceTimersByTime(60_000)
  expect(said).toEqual([])
})
