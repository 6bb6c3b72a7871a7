import type { PlannedAction } from '@unwind/contracts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { applied, type ContractParts, fresh, open, Shop, seen, workOn } from './harness.js'
import { RedisServer } from './redis-server.js'

let server: RedisServer
let shop: Shop

beforeAll(async () => {
  server = await RedisServer.start(inject('stack').redisUrl)
})
afterAll(() => server.stop())
beforeEach(async () => {
  await server.admin.flushall()
  shop = new Shop(server)
})
afterEach(() => shop.stop())

let count = 0
const recorded = (data: object): PlannedAction => ({
  actionId: `carts:${++count}`,
  action: 'cart.changed',
  resource: null,
  data: JSON.stringify(data),
})
const parts = (undo: object, more: ContractParts = {}): ContractParts => ({
  ...more,
  adapter: { images: 'data', ...more.adapter },
  undo,
})

describe('images in the recorded data', () => {
  it('restore every type, only in the fields that they name', async () => {
    const { admin } = server
    await admin.set('s', 'new')
    await admin.hset('h:7', { status: 'paid', other: 'stays' })
    await admin.sadd('m', 'kept', 'added')
    await admin.zadd('z', 2, 'a')
    await admin.rpush('l', 'a', 'b')
    const adapter = shop.adapter(
      parts({
        items: [
          { type: 'string', key: 's', before: '{was}', after: 'new' },
          { type: 'hash', key: 'h:{id}', before: { status: 'draft' }, after: { status: 'paid' } },
          { type: 'set', key: 'm', before: ['removed'], after: ['added'] },
          { type: 'sorted-set', key: 'z', before: { a: '1.50', b: 3 }, after: { a: '2.0' } },
          { type: 'list', key: 'l', before: ['a'], after: ['a', 'b'] },
        ],
      }),
    )
    const work = workOn(fresh(), [recorded({ was: 'old', id: 7 })])
    expect(adapter.features).toEqual({ atomicEffect: true, findsActions: false, fence: 'none' })
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 0, expected: 5 })
    expect(applied(await adapter.undo(work, open))).toMatchObject({ before: false, items: 5 })
    expect(await admin.get('s')).toBe('old')
    expect(await admin.hgetall('h:7')).toEqual({ status: 'draft', other: 'stays' })
    expect((await admin.smembers('m')).sort()).toEqual(['kept', 'removed'])
    expect(await admin.zrange('z', '0', '-1', 'WITHSCORES')).toEqual(['a', '1.5', 'b', '3'])
    expect(await admin.lrange('l', 0, -1)).toEqual(['a'])
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 5, expected: 5, differences: [] })
    expect(applied(await adapter.undo(work, open)).before).toBe(true)
  })

  it('may be as many as the action recorded', async () => {
    await server.admin.mset('a', '2', 'b', '2')
    const adapter = shop.adapter(parts({ items: '{images}' }))
    const images = ['a', 'b'].map(key => ({ type: 'string', key, before: null, after: '2' }))
    applied(await adapter.undo(workOn(fresh(), [recorded({ images })]), open))
    expect(await server.admin.exists('a', 'b')).toBe(0)
  })

  it('name amounts that were added, within the declared bounds', async () => {
    await server.admin.hset('stock:tea', 'qty', 7)
    const adapter = shop.adapter(
      parts({
        items: [{ type: 'hash', key: 'stock:{sku}', added: { qty: '-{n}' } }],
        delta: [{ key: 'stock:*', field: 'qty', max: 10 }],
      }),
    )
    const work = workOn(fresh(), [recorded({ sku: 'tea', n: 2 }), recorded({ sku: 'tea', n: 1 })])
    applied(await adapter.undo(work, open))
    applied(await adapter.undo(work, open))
    expect(await server.admin.hget('stock:tea', 'qty')).toBe('10')
    expect(await adapter.undo(workOn(fresh(), [recorded({ sku: 'tea', n: 1 })]), open)).toEqual({
      kind: 'conflict',
      differences: [{ item: 'stock:tea', field: 'qty', before: '"0"', after: '"-1"', current: '"10"' }],
    })
  })

  it('reverse a stream by an entry that carries the ID of the step, once', async () => {
    const adapter = shop.adapter(
      parts({ append: [{ stream: 'ledger:{account}', fields: { amount: '-{amount}', of: '{entry}' } }] }),
    )
    const first = await server.admin.xadd('ledger:7', '*', 'amount', '12')
    const work = workOn(fresh(), [recorded({ account: 7, amount: 12, entry: first })])
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 0, expected: 1 })
    for (let i = 0; i < 3; i++) expect(applied(await adapter.undo(work, open)).before).toBe(i > 0)
    const entries = await server.admin.xrange('ledger:7', '-', '+')
    expect(entries.map(([, fields]) => fields)).toEqual([
      ['amount', '12'],
      ['unwind-id', `${work.key}/1`, 'amount', '-12', 'of', first],
    ])
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 1, expected: 1, differences: [] })
    await server.admin.xdel('ledger:7', entries[1]![0])
    expect(seen(await adapter.probe(work, open))).toMatchObject({
      restored: 0,
      differences: [{ item: 'ledger:7', field: `${work.key}/1`, before: '"reversing entry"', current: null }],
    })
  })

  it('that a step lacks, or that make no sense, are refused before anything is sent', async () => {
    const adapter = shop.adapter(parts({ items: [{ type: 'string', key: 'k:{id}', before: '{was}' }] }))
    expect(await adapter.undo(workOn(fresh(), [recorded({ id: 1 })]), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringMatching(/has no field \{was\}.*nothing was sent$/),
    })
    const loose = shop.adapter(parts({ items: '{images}' }))
    expect(await loose.preview(workOn(fresh(), [recorded({ images: [{ key: 'k' }] })]), open)).toMatchObject({
      items: 0,
      problems: [expect.stringContaining('undo.items.0.type')],
    })
  })
})
