import { describe, expect, it } from 'vitest'
import { RateLimit } from './rate-limit.js'

function scene(perSecond: number, burst: number) {
  let now = 1_000_000
  const limit = new RateLimit({ perSecond, burst, now: () => now })
  return { limit, wait: (ms: number) => (now += ms) }
}

describe('the rate limit of one caller', () => {
  it('lets a burst pass, then so many a second', () => {
    const { limit, wait } = scene(10, 5)
    const taken = () => Array.from({ length: 8 }, () => limit.take('ana').allowed)
    expect(taken()).toEqual([true, true, true, true, true, false, false, false])
    wait(100)
    expect(taken().filter(Boolean)).toHaveLength(1)
    wait(1_000)
    expect(taken().filter(Boolean)).toHaveLength(5)
  })

  it('does not make who asks in vain wait longer', () => {
    const { limit, wait } = scene(1, 1)
    expect(limit.take('ana')).toEqual({ allowed: true, remaining: 0, resetSeconds: 1 })
    for (let n = 0; n < 100; n++) expect(limit.take('ana').allowed).toBe(false)
    wait(1_000)
    expect(limit.take('ana').allowed).toBe(true)
  })

  it('counts each caller apart', () => {
    const { limit } = scene(1, 1)
    expect([limit.take('ana').allowed, limit.take('ben').allowed, limit.take('ana').allowed]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('says what is left and when there is more', () => {
    const { limit } = scene(2, 20)
    const first = limit.take('ana')
    expect(limit.headers(first)).toEqual({
      'ratelimit-policy': '"caller";q=20;w=10',
      ratelimit: '"caller";r=19;t=1',
    })
    for (let n = 0; n < 19; n++) limit.take('ana')
    expect(limit.take('ana')).toEqual({ allowed: false, remaining: 0, resetSeconds: 1 })
  })
})
