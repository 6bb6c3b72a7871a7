import type { Coordination } from '@unwind/core'
import { describe, expect, it } from 'vitest'
import { type Current, latest } from './standing.js'

const fold = (name: string) => ({ name, rollback: { rollbackId: 'rb-1', correlationId: 'order-1' } }) as never
const held: Coordination = fold('held')
const log: Coordination = fold('as the log has it')

function standing(over: Partial<Current>): Current {
  return {
    key: {} as never,
    held: () => held,
    find: async () => ({ correlationId: 'order-1', coordination: log, events: [] }),
    send: async () => ({ topic: 'l', partition: 0, offset: 0n }),
    now: () => 0,
    isCurrent: async () => true,
    ...over,
  }
}

describe('where a rollback stands, for a word that carries it to others', () => {
  it('is what is held, when that is all that the log has', async () => {
    expect(await latest(standing({}), 'rb-1')).toBe(held)
  })

  it('is read from the log when the fold lags, or nothing is held', async () => {
    expect(await latest(standing({ isCurrent: async () => false }), 'rb-1')).toBe(log)
    expect(await latest(standing({ held: () => undefined }), 'rb-1')).toBe(log)
  })

  it('is what is held after the log was asked: it has moved meanwhile', async () => {
    let now = held
    const isCurrent = async () => {
      now = fold('a moment later')
      return true
    }
    expect(await latest(standing({ held: () => now, isCurrent }), 'rb-1')).toBe(now)
  })

  it('is a clear refusal where the broker does not say, and for a rollback that nobody knows', async () => {
    const away = standing({ isCurrent: () => Promise.reject(new Error('no broker')) })
    await expect(latest(away, 'rb-1')).rejects.toMatchObject({
      status: 503,
      slug: 'ledger-unavailable',
      detail: 'the brokers do not say how far the ledger of order-1 goes: no broker',
    })
    const unknown = standing({ held: () => undefined, find: async () => null })
    await expect(latest(unknown, 'rb-1')).rejects.toMatchObject({ slug: 'no-such-rollback' })
  })
})
