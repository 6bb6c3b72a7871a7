import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import './internals.js'
import { RequestQueue } from './request-queue.js'

interface Queue {
  push(request: object): void
  fulfillRequest(response: object): void
  maybeThrottle(ms: number): void
}

const quiet = { debug() {}, warn() {} }
let sent: number[]
let answered: number[]

function queue(maxInFlightRequests: number | null = null): Queue {
  const Constructor = RequestQueue as unknown as new (options: object) => Queue
  return new Constructor({ maxInFlightRequests, requestTimeout: 1_000, logger: quiet })
}

function request(correlationId: number) {
  const entry = { correlationId, resolve: () => answered.push(correlationId), reject() {} }
  return { entry, expectResponse: true, sendRequest: () => sent.push(correlationId) }
}

function answer(correlationId: number) {
  return { correlationId, size: 0, payload: null }
}

describe('the queue of requests of a connection', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    sent = []
    answered = []
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('sets no timer while nothing waits', () => {
    const one = queue()
    one.push(request(1))
    one.fulfillRequest(answer(1))
    expect(answered).toEqual([1])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends what waited for the broker to take requests again, and rests then', () => {
    const one = queue()
    one.maybeThrottle(50)
    one.push(request(1))
    one.push(request(2))
    vi.advanceTimersByTime(49)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(1)
    expect(sent).toEqual([1, 2])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends what waited for an answer as soon as that is there', () => {
    const one = queue(1)
    one.push(request(1))
    one.push(request(2))
    expect(sent).toEqual([1])
    one.fulfillRequest(answer(1))
    expect(sent).toEqual([1, 2])
  })
})
