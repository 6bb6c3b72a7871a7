import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { open, Room } from './harness.js'
import { ProduceProxy } from './produce-proxy.js'

let room: Room
let count = 0
const fresh = () => `o-${++count}`

beforeAll(async () => {
  room = await new Room(inject('stack').brokers).open()
})
afterAll(() => room.close())

describe('what the cluster refuses is told with what to do', () => {
  it('a topic that is not there: at the start', async () => {
    await expect(room.adapter({ undo: { topic: `${room.events}.typo` } })).rejects.toThrow(
      /contract orders 1\.0\.0: adapter\.brokers: topic ".*typo" does not exist.*Create the topic, or correct undo\.topic/,
    )
  })

  it('a record that is too large: contract', async () => {
    const kafka = await room.adapter({ undo: { value: { note: '{note}' } } })
    const orderId = fresh()
    const work = room.work([room.planned('order.placed', { orderId, note: 'x'.repeat(30_000) })])
    expect(await kafka.undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      hint: expect.stringContaining('max.message.bytes'),
    })
    expect(await room.values(room.events, orderId)).toEqual([])
  })

  it.each([
    [29, 'unauthorised', 'Grant the user of adapter.sasl READ, WRITE and DESCRIBE'],
    [19, 'transient', 'It is tried again by itself'],
    [20, 'unknown', 'The topic is read back before anything is sent again'],
    [7, 'unknown', 'The topic is read back before anything is sent again'],
  ] as const)('error code %i of a write: %s', async (code, expected, hint) => {
    const proxy = await ProduceProxy.start(room.brokers[0]!, room.events)
    try {
      const kafka = await room.adapter({ adapter: { brokers: [proxy.address] } })
      proxy.set({ kind: 'refuse', text: '', code })
      const work = room.work([room.planned('order.placed', { orderId: fresh() })])
      expect(await kafka.undo(work, open)).toMatchObject({
        kind: 'failed',
        code: expected,
        hint: expect.stringContaining(hint),
      })
    } finally {
      await proxy.stop()
    }
  })

  it('a step whose record the topic may have forgotten is not sent again', async () => {
    const kafka = await room.adapter({ adapter: { retention: '1h' } })
    const orderId = fresh()
    const work = room.work([room.planned('order.placed', { orderId })], {
      firstStartedAt: Date.now() - 3_600_001,
    })
    expect(await kafka.undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('longer ago than the topics keep their records'),
    })
    expect(await room.values(room.events, orderId)).toEqual([])
  })
})
