import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { applied, open, Room, seen } from './harness.js'
import { ProduceProxy } from './produce-proxy.js'
import { allOf } from './topic-reader.js'

let room: Room
let count = 0
const fresh = () => `o-${++count}`

beforeAll(async () => {
  room = await new Room(inject('stack').brokers).open()
})
afterAll(() => room.close())

describe('an event is undone by a reversing event', () => {
  it('with an ID of the step and headers that say where it comes from, proved by reading back', async () => {
    const kafka = await room.adapter()
    const orderId = fresh()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const action = { ...room.planned('order.placed', { orderId }), resource: `orders/${orderId}` }
    const work = room.work([action], { traceparent })
    expect(seen(await kafka.probe(work, open, 'glance'))).toMatchObject({
      restored: 0,
      expected: 1,
      differences: [{ item: `${room.events}/${orderId}`, field: '(records)', before: '1', current: '0' }],
    })
    expect(await kafka.preview(work, open)).toEqual({ items: 1, conflicts: [], problems: [] })
    for (let i = 0; i < 3; i++) expect(applied(await kafka.undo(work, open)).before).toBe(i > 0)
    const [record, ...more] = (await allOf(room.log, room.events)).filter(({ key }) => key === orderId)
    expect(more).toEqual([])
    expect(record!.value?.toString()).toBe(`{"cancelled":"${orderId}"}`)
    expect(record!.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: `${work.key}/${action.actionId}`,
      ce_type: 'order.placed.reversed',
      ce_source: '/unwind/sidecar/orders',
      ce_time: expect.stringMatching(/^\d{4}-.*Z$/),
      ce_subject: `orders/${orderId}`,
      ce_correlationid: work.correlationId,
      ce_causationid: action.actionId,
      'content-type': 'application/json',
      traceparent,
      'unwind-rollback': work.rollbackId,
      'unwind-step': 'orders',
      'unwind-system': 'orders',
    })
    expect(seen(await kafka.probe(work, open))).toMatchObject({
      restored: 1,
      expected: 1,
      kept: 0,
      differences: [],
      how: `read ${room.events} back to the end, by record ID and key`,
    })
  })

  it('after an unknown outcome it is looked for before another is sent', async () => {
    const proxy = await ProduceProxy.start(room.brokers[0]!, room.events)
    try {
      const kafka = await room.adapter({ adapter: { brokers: [proxy.address] } })
      for (const [kind, records] of [
        ['cut-after', 1],
        ['cut-before', 0],
      ] as const) {
        const orderId = fresh()
        const work = room.work([room.planned('order.placed', { orderId })])
        proxy.set({ kind })
        expect(await kafka.undo(work, open)).toMatchObject({ kind: 'failed', code: 'unknown' })
        expect(await room.values(room.events, orderId)).toHaveLength(records)
        expect(applied(await kafka.undo(work, open)).before).toBe(records === 1)
        expect(await room.values(room.events, orderId)).toHaveLength(1)
      }
    } finally {
      await proxy.stop()
    }
  })

  it('that stands there twice is never taken for restored', async () => {
    const kafka = await room.adapter()
    const orderId = fresh()
    const work = room.work([room.planned('order.placed', { orderId })])
    applied(await kafka.undo(work, open))
    const id = `${work.key}/${work.actions[0]!.actionId}`
    await room.write(room.events, orderId, '{}', { ce_id: id })
    expect(seen(await kafka.probe(work, open))).toMatchObject({
      restored: 0,
      differences: [{ field: '(records)', before: '1', after: '0', current: '2' }],
    })
    expect(await kafka.undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'conflict',
      message: expect.stringContaining(`2 records carry the ID ${id}`),
    })
    expect((await kafka.preview(work, open)).problems).toHaveLength(1)
  })

  it('cannot be kept or merged, since nothing is in its way', async () => {
    const kafka = await room.adapter()
    const orderId = fresh()
    for (const resolution of ['keep', 'merge'] as const) {
      const work = room.work([room.planned('order.placed', { orderId })], { resolution })
      expect(await kafka.undo(work, open)).toMatchObject({ kind: 'failed', code: 'contract' })
    }
    expect(await room.values(room.events, orderId)).toEqual([])
    await expect(room.adapter({ action: { onConflict: 'keep' } })).rejects.toThrow(
      /actions\.order\.placed\.onConflict: a reversing event stands beside what came before it/,
    )
  })
})

describe('on a topic that keeps the newest record of a key', () => {
  it.each([
    ['what stood there before is written again', '{"a":1}', '{"a":2}'],
    ['what the action made is ended by a tombstone', null, '{"a":2}'],
    ['what the action deleted is written again', '{"a":1}', null],
    ['text is text', 'plain', 'other'],
  ])('%s', async (_, previous, written) => {
    const kafka = await room.adapter()
    const key = fresh()
    await room.write(room.profiles, key, previous)
    const work = room.work([await room.change(key, previous, written)])
    expect(seen(await kafka.probe(work, open, 'glance'))).toMatchObject({ restored: 0, expected: 1 })
    for (let i = 0; i < 2; i++) expect(applied(await kafka.undo(work, open)).before).toBe(i > 0)
    expect(await room.values(room.profiles, key)).toEqual([previous, written, previous])
    expect(seen(await kafka.probe(work, open))).toMatchObject({ restored: 1, expected: 1, differences: [] })
  })

  it('several actions on one key are undone by one record: what stood before the first of them', async () => {
    const kafka = await room.adapter()
    const key = fresh()
    await room.write(room.profiles, key, '1')
    const first = await room.change(key, '1', '2')
    const second = await room.change(key, '2', '3')
    const work = room.work([second, first])
    expect(applied(await kafka.undo(work, open)).items).toBe(1)
    expect(await room.values(room.profiles, key)).toEqual(['1', '2', '3', '1'])
    expect(seen(await kafka.probe(work, open))).toMatchObject({ restored: 1, expected: 1 })
  })

  it.each([
    ['a value', '{"a":2,"b":9}', { field: '/b', before: null, after: null, current: '9' }],
    ['a tombstone', null, { field: '', before: '{"a":1}', after: '{"a":2}', current: null }],
    ['text', 'torn', { field: '', before: '{"a":1}', after: '{"a":2}', current: '"torn"' }],
  ])('%s that is newer than the action is a conflict', async (_, newer, difference) => {
    const kafka = await room.adapter()
    const key = fresh()
    const work = room.work([await room.change(key, '{"a":1}', '{"a":2}')])
    await room.write(room.profiles, key, newer)
    const item = `${room.profiles}/${key}`
    expect(await kafka.undo(work, open)).toEqual({ kind: 'conflict', differences: [{ item, ...difference }] })
    expect(await room.values(room.profiles, key)).toHaveLength(2)
  })

  it('the same content written anew is no newer data', async () => {
    const kafka = await room.adapter()
    const key = fresh()
    const work = room.work([await room.change(key, '{"a":1}', '{"a":2,"b":3}')])
    await room.write(room.profiles, key, '{"b":3, "a":2}')
    applied(await kafka.undo(work, open))
    expect((await room.values(room.profiles, key)).at(-1)).toBe('{"a":1}')
  })

  it('a record that came after ours is not overwritten a second time, whoever asks', async () => {
    const kafka = await room.adapter()
    const key = fresh()
    const work = room.work([await room.change(key, '1', '2')])
    applied(await kafka.undo(work, open))
    await room.write(room.profiles, key, '7')
    for (const resolution of [null, 'force'] as const)
      expect(applied(await kafka.undo({ ...work, resolution }, open)).before).toBe(true)
    expect(await room.values(room.profiles, key)).toEqual(['2', '1', '7'])
    expect(seen(await kafka.probe(work, open))).toMatchObject({
      restored: 0,
      kept: 0,
      differences: [{ before: '1', after: '2', current: '7' }],
    })
    expect(seen(await kafka.probe({ ...work, resolution: 'keep' }, open)).kept).toBe(1)
  })

  it('a record elsewhere than the contract thinks is refused before anything is sent', async () => {
    const kafka = await room.adapter()
    const key = fresh()
    const action = await room.change(key, '1', '2')
    const data = JSON.parse(action.data) as { partition: number; offset: string }
    const moved = (over: object) => [{ ...action, data: JSON.stringify({ ...data, ...over }) }]
    expect(await kafka.undo(room.work(moved({ partition: (data.partition + 1) % 3 })), open)).toMatchObject({
      code: 'contract',
      message: expect.stringContaining('so a reversing record would not replace it'),
    })
    expect(await kafka.undo(room.work(moved({ offset: '100000' })), open)).toMatchObject({
      code: 'contract',
      message: expect.stringContaining('the log ends before offset 100000'),
    })
    expect(await kafka.undo(room.work(moved({ offset: 'x' })), open)).toMatchObject({ code: 'contract' })
    expect(await room.values(room.profiles, key)).toEqual(['2'])
  })
})
