import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { applied, open, Room } from './harness.js'

let room: Room
beforeAll(async () => {
  room = await new Room(inject('stack').brokers).open()
})
afterAll(() => room.close())

/** Stops the first one that comes by, as SIGSTOP would, until it is let go. */
function stopAt(point: string) {
  let reached: () => void = () => undefined
  let letGo: () => void = () => undefined
  const there = new Promise<void>(resolve => {
    reached = resolve
  })
  const gate = new Promise<void>(resolve => {
    letGo = resolve
  })
  let first = true
  const failpoint = async (name: string) => {
    if (name !== point || !first) return
    first = false
    reached()
    await gate
  }
  return { failpoint, there, letGo: () => letGo() }
}

describe('two instances of one sidecar', () => {
  it('that claim at once send one record: the second one knows that it was second', async () => {
    const parts = { adapter: { claims: room.claims } }
    const instances = await Promise.all(Array.from({ length: 4 }, () => room.adapter(parts)))
    for (let i = 0; i < 5; i++) {
      const orderId = `once-${i}`
      const work = room.work([room.planned('order.placed', { orderId })])
      const results = await Promise.all(instances.map(each => each.undo(work, open)))
      const sent = results.filter(result => result.kind === 'applied' && !result.before)
      expect(sent).toHaveLength(1)
      for (const result of results)
        if (result.kind !== 'applied')
          expect(result).toMatchObject({ kind: 'failed', code: 'transient', retryAfterMs: 10_000 })
      expect(await room.values(room.events, orderId)).toHaveLength(1)
    }
  })

  it('of which one stops after its claim: the other waits for the lease, then sends; the first finds it', async () => {
    const parts = { adapter: { claims: room.claims, lease: '1500ms' } }
    const { failpoint, there, letGo } = stopAt('kafka.before-reversal')
    const stopped = await room.adapter(parts, failpoint)
    const other = await room.adapter(parts)
    const work = room.work([room.planned('order.placed', { orderId: 'lease' })])
    const woken = stopped.undo(work, open)
    await there
    expect(await other.undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('another instance of this sidecar is at it'),
      retryAfterMs: 1_500,
    })
    await expect.poll(async () => (await other.undo(work, open)).kind, { timeout: 10_000 }).toBe('applied')
    letGo()
    expect(applied(await woken).before).toBe(true)
    expect(await room.values(room.events, 'lease')).toHaveLength(1)
  })

  it('without claims: the one that slept too long looks again before it sends', async () => {
    const { failpoint, there, letGo } = stopAt('kafka.before-reversal')
    const stopped = await room.adapter({}, failpoint)
    const other = await room.adapter()
    const work = room.work([room.planned('order.placed', { orderId: 'fresh' })])
    const began = performance.now()
    const woken = stopped.undo(work, open)
    await there
    expect(applied(await other.undo(work, open)).before).toBe(false)
    await expect.poll(() => performance.now() - began, { timeout: 5_000 }).toBeGreaterThan(2_500)
    letGo()
    expect(applied(await woken).before).toBe(true)
    expect(await room.values(room.events, 'fresh')).toHaveLength(1)
  })
})
