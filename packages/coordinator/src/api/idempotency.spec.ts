import { describe, expect, it } from 'vitest'
import { Answered } from './answered.js'
import { commandIdOf, keyedCall, rollbackIdOf } from './idempotency.js'

const keyed = (key: unknown, caller = 'user:ana', body: unknown = { a: 1, b: 2 }) =>
  keyedCall(key, caller, '/v1/rollbacks', body)!

describe('an Idempotency-Key', () => {
  it('gives the same IDs for the same caller, and others for another caller, key or correlation ID', () => {
    const id = rollbackIdOf(keyed('k1'), 'order-1')
    expect(id).toMatch(/^rb-[0-9a-z]{17}$/)
    expect(rollbackIdOf(keyed('k1', 'user:ana', {}), 'order-1')).toBe(id)
    const others = [
      rollbackIdOf(keyed('k1'), 'order-2'),
      rollbackIdOf(keyed('k2'), 'order-1'),
      rollbackIdOf(keyed('k1', 'user:ben'), 'order-1'),
    ]
    expect(new Set([id, ...others]).size).toBe(4)
    expect(commandIdOf(keyed('k1'))).toMatch(/^[0-9a-f]{32}$/)
  })

  it('does not care for the order in which a body names its fields', () => {
    expect(keyed('k1', 'user:ana', { b: 2, a: 1 }).request).toBe(keyed('k1').request)
    expect(keyed('k1', 'user:ana', { a: 1, b: 3 }).request).not.toBe(keyed('k1').request)
  })

  it('is refused when it is none', () => {
    expect(keyedCall(undefined, 'user:ana', '/', {})).toBeNull()
    for (const key of ['', 'a b', 'ä', 'x'.repeat(256), ['a', 'b']])
      expect(() => keyedCall(key, 'user:ana', '/', {})).toThrow('1 to 255 visible ASCII characters')
  })
})

describe('answers of keyed requests', () => {
  function memory() {
    const notes = new Map<string, string>()
    return new Answered({
      async note(name, text) {
        const known = notes.get(name) ?? null
        if (known === null) notes.set(name, text)
        return known
      },
      async renote(name, text) {
        notes.set(name, text)
      },
    })
  }

  it('are given again without doing it again', async () => {
    const answered = memory()
    let done = 0
    const handle = async () => ({ rollbackId: `rb-${++done}` })
    expect(await answered.once(keyed('k1'), handle)).toEqual({ rollbackId: 'rb-1' })
    expect(await answered.once(keyed('k1'), handle)).toEqual({ rollbackId: 'rb-1' })
    await expect(answered.once(keyed('k1', 'user:ana', {}), handle)).rejects.toMatchObject({ status: 422 })
    expect(done).toBe(1)
  })

  it('are not there for what failed: it may be tried again', async () => {
    const answered = memory()
    await expect(answered.once(keyed('k1'), () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await answered.once(keyed('k1'), async () => 'done')).toBe('done')
  })
})
