import type { RedisCommand } from '@unwind/client/redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { applied, fresh, open, Shop, seen } from './harness.js'
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

/** What was there before, what the action did: every type, made, changed, emptied and replaced. */
const CHANGES: readonly (readonly [string, readonly RedisCommand[], readonly RedisCommand[]])[] = [
  ['a string that is set anew', [], [['SET', 'k', 'new']]],
  ['a string that is overwritten', [['SET', 'k', 'old']], [['SET', 'k', 'new']]],
  ['a string that is deleted', [['SET', 'k', 'old']], [['DEL', 'k']]],
  [
    'a string of bytes',
    [['SET', 'k', Buffer.from([0, 255, 128, 10])]],
    [['SET', 'k', Buffer.from([255, 0, 13])]],
  ],
  ['a counter', [['SET', 'k', '41']], [['INCRBY', 'k', '1']]],
  ['a time to live that is set', [['SET', 'k', 'v']], [['PEXPIRE', 'k', '600000']]],
  [
    'a time to live that is lost by SET',
    [
      ['SET', 'k', 'v'],
      ['PEXPIRE', 'k', '600000'],
    ],
    [['SET', 'k', 'w']],
  ],
  [
    'a key with a time to live that is deleted',
    [
      ['HSET', 'k', 'a', '1'],
      ['PEXPIRE', 'k', '600000'],
    ],
    [['DEL', 'k']],
  ],
  ['a hash that is made', [], [['HSET', 'k', 'a', '1', 'b', '2']]],
  [
    'fields of a hash, changed, added and removed',
    [['HSET', 'k', 'a', '1', 'b', '2', 'c', '3']],
    [
      ['HSET', 'k', 'a', '9', 'd', '4'],
      ['HDEL', 'k', 'b'],
      ['HINCRBY', 'k', 'c', '5'],
    ],
  ],
  [
    'a hash that is replaced as a whole',
    [['HSET', 'k', 'a', '1', 'b', '2']],
    [
      ['DEL', 'k'],
      ['HSET', 'k', 'z', '1'],
    ],
  ],
  [
    'a set',
    [['SADD', 'k', 'a', 'b']],
    [
      ['SADD', 'k', 'c'],
      ['SREM', 'k', 'a'],
    ],
  ],
  ['a set that is emptied', [['SADD', 'k', 'a', 'b']], [['SREM', 'k', 'a', 'b']]],
  [
    'a sorted set',
    [['ZADD', 'k', '1', 'a', '2.5', 'b']],
    [
      ['ZADD', 'k', '7', 'a'],
      ['ZREM', 'k', 'b'],
      ['ZINCRBY', 'k', '0.1', 'c'],
    ],
  ],
  [
    'a list that is pushed to',
    [['RPUSH', 'k', 'a', 'b']],
    [
      ['LPUSH', 'k', 'z'],
      ['RPUSH', 'k', 'c'],
    ],
  ],
  ['a list that is popped empty', [['RPUSH', 'k', 'a']], [['LPOP', 'k']]],
  [
    'a list with a time to live',
    [
      ['RPUSH', 'k', 'a'],
      ['PEXPIRE', 'k', '600000'],
    ],
    [['RPUSH', 'k', 'b']],
  ],
  [
    'a key whose type changes',
    [['SET', 'k', 'text']],
    [
      ['DEL', 'k'],
      ['SADD', 'k', 'a', 'b'],
    ],
  ],
  [
    'a key whose type changes, with a time to live',
    [
      ['RPUSH', 'k', 'a', 'b'],
      ['PEXPIRE', 'k', '600000'],
    ],
    [
      ['DEL', 'k'],
      ['SET', 'k', 'x', 'EX', '100'],
    ],
  ],
  [
    'several keys at once',
    [
      ['SET', 'k', '1'],
      ['HSET', 'l', 'a', '1'],
    ],
    [
      ['DEL', 'k'],
      ['HSET', 'l', 'b', '2'],
      ['RPUSH', 'm', 'x'],
    ],
  ],
]

describe('what capture recorded is undone', () => {
  it.each(CHANGES)('%s', async (_, before, action) => {
    for (const [name, ...args] of before) await server.admin.call(name, ...(args as string[]))
    const keys = [...new Set([...before, ...action].map(([, key]) => key))]
    const start = await shop.image(...keys)
    const adapter = shop.adapter()
    const id = fresh()
    await shop.act(id, ...action)
    const left = await shop.image(...keys)
    expect(left).not.toEqual(start)
    const work = await shop.work(adapter, id)
    const unseen = seen(await adapter.probe(work, open))
    expect(unseen.restored).toBeLessThan(unseen.expected)
    expect(unseen.differences.length).toBeGreaterThan(0)
    expect(await adapter.preview(work, open)).toEqual({ items: keys.length, conflicts: [], problems: [] })
    expect(await shop.image(...keys)).toEqual(left)

    expect(applied(await adapter.undo(work, open))).toMatchObject({
      before: false,
      items: keys.length,
      notes: [],
    })
    expect(await shop.image(...keys)).toEqual(start)
    const proof = seen(await adapter.probe(work, open))
    expect(proof).toMatchObject({ restored: keys.length, expected: keys.length, kept: 0, differences: [] })
    expect(applied(await adapter.undo(work, open)).before).toBe(true)
    expect(await shop.image(...keys)).toEqual(start)
  })

  it('several actions on the same field, the last one first', async () => {
    const adapter = shop.adapter()
    const id = fresh()
    await server.admin.hset('h', 'status', 'draft')
    await shop.act(id, ['HSET', 'h', 'status', 'paid'])
    await shop.act(id, ['HSET', 'h', 'status', 'sent', 'by', 'mail'])
    const work = await shop.work(adapter, id)
    expect(work.actions).toHaveLength(2)
    applied(await adapter.undo(work, open))
    expect(await server.admin.hgetall('h')).toEqual({ status: 'draft' })
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 1, expected: 1 })
  })

  it('by several instances at once, with one effect', async () => {
    const id = fresh()
    await server.admin.set('n', '10')
    shop = new Shop(server, { undo: { delta: [{ key: 'n' }] } })
    await shop.act(id, ['INCRBY', 'n', '5'])
    const work = await shop.work(shop.adapter(), id)
    const results = await Promise.all(Array.from({ length: 6 }, () => shop.adapter().undo(work, open)))
    expect(results.map(result => applied(result).before).sort()).toEqual([false, ...Array(5).fill(true)])
    expect(await server.admin.get('n')).toBe('10')
  })
})
