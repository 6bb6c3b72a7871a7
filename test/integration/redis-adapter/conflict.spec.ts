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

describe('newer data', () => {
  it.each([
    [
      'a string',
      ['SET', 'k', 'old'],
      ['SET', 'k', 'new'],
      ['SET', 'k', 'later'],
      { field: '', before: '"old"', after: '"new"', current: '"later"' },
    ],
    [
      'a field',
      ['HSET', 'k', 'a', '1'],
      ['HSET', 'k', 'a', '2'],
      ['HDEL', 'k', 'a'],
      { field: 'a', before: '"1"', after: '"2"', current: null },
    ],
    ['a member', ['SADD', 'k', 'x'], ['SADD', 'k', 'm'], ['SREM', 'k', 'm'], null],
    [
      'a score',
      ['ZADD', 'k', '1', 'm'],
      ['ZADD', 'k', '2', 'm'],
      ['ZADD', 'k', '2.5', 'm'],
      { field: 'm', before: '1', after: '2', current: '2.5' },
    ],
    [
      'a list',
      ['RPUSH', 'k', 'a'],
      ['RPUSH', 'k', 'b'],
      ['LPOP', 'k'],
      { field: '', before: '["a"]', after: '["a","b"]', current: '["b"]' },
    ],
    [
      'a key of another type',
      ['SET', 'k', 'old'],
      ['SET', 'k', 'new'],
      ['UNLINK', 'k'],
      { field: '', before: '"old"', after: '"new"', current: null },
    ],
  ] as const)(
    '%s: told with before, after and current, nothing touched',
    async (_, before, action, later, difference) => {
      const call = ([name, ...args]: readonly string[]) => server.admin.call(name!, ...args)
      await call(before)
      const adapter = shop.adapter()
      const id = fresh()
      await shop.act(id, [...action] as never)
      await call(later)
      const left = await shop.image('k')
      const work = await shop.work(adapter, id)
      const result = await adapter.undo(work, open)
      // A member that is gone again is as it was before: nothing is left to undo, and nothing in the way.
      if (difference === null) {
        expect(applied(result)).toMatchObject({ before: false, items: 1 })
        expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 1, expected: 1 })
      } else expect(result).toEqual({ kind: 'conflict', differences: [{ item: 'k', ...difference }] })
      expect(await shop.image('k')).toEqual(left)
    },
  )

  it('in one field does not stop the undo of others where the policy is merge', async () => {
    await server.admin.hset('h', { a: '1', b: '1', c: '1' })
    await server.admin.set('s', 'old')
    const adapter = shop.adapter()
    const id = fresh()
    await shop.act(id, ['HSET', 'h', 'a', '2', 'b', '2'], ['SET', 's', 'new'])
    await server.admin.hset('h', { a: '3', c: '9', d: 'added' })
    const work = await shop.work(adapter, id, { resolution: 'merge' })
    expect(applied(await adapter.undo(work, open)).notes).toEqual(['h a: kept, newer than the action'])
    expect(await server.admin.hgetall('h')).toEqual({ a: '3', b: '1', c: '9', d: 'added' })
    expect(await server.admin.get('s')).toBe('old')
    expect(seen(await adapter.probe(work, open))).toMatchObject({
      restored: 1,
      expected: 2,
      kept: 1,
      differences: [{ item: 'h', field: 'a', before: '"1"', after: '"2"', current: '"3"' }],
    })
  })

  it('keeps its whole key where the policy is keep, with all that earlier actions of the step did to it', async () => {
    await server.admin.hset('h', { a: '1', b: '1' })
    const adapter = shop.adapter()
    const id = fresh()
    await shop.act(id, ['HSET', 'h', 'a', '2'])
    await shop.act(id, ['HSET', 'h', 'b', '2'], ['SET', 's', 'new'])
    await server.admin.hset('h', 'a', '3')
    const work = await shop.work(adapter, id, { resolution: 'keep' })
    expect(applied(await adapter.undo(work, open)).notes).toEqual(['h: kept, newer than the action'])
    expect(await server.admin.hgetall('h')).toEqual({ a: '3', b: '2' })
    expect(await server.admin.exists('s')).toBe(0)
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 1, expected: 2, kept: 1 })
  })

  it('of another type is overwritten by force, with everything in it', async () => {
    await server.admin.set('k', 'old')
    const adapter = shop.adapter()
    const id = fresh()
    await shop.act(id, ['DEL', 'k'])
    await server.admin.sadd('k', 'a', 'b')
    const parked = await shop.work(adapter, id)
    expect(await adapter.undo(parked, open)).toEqual({
      kind: 'conflict',
      differences: [{ item: 'k', field: '(type)', before: '"string"', after: null, current: '"set"' }],
    })
    expect(await server.admin.type('k')).toBe('set')
    applied(await adapter.undo(await shop.work(adapter, id, { resolution: 'force' }), open))
    expect(await server.admin.get('k')).toBe('old')
  })

  it('in a time to live is a conflict, unless the contract ignores it', async () => {
    const id = fresh()
    await server.admin.set('k', 'v')
    await shop.act(id, ['PEXPIRE', 'k', '600000'])
    await server.admin.pexpire('k', 900_000)
    const strict = shop.adapter()
    const work = await shop.work(strict, id)
    expect(await strict.undo(work, open)).toMatchObject({
      kind: 'conflict',
      differences: [{ item: 'k', field: '(ttl)', before: null, after: expect.stringMatching(/^\d{13}$/) }],
    })
    const lenient = shop.adapter({ undo: { ignore: [{ field: '(ttl)' }] } })
    applied(await lenient.undo(work, open))
    expect(await server.admin.pttl('k')).toBeGreaterThan(600_000)
    expect(seen(await lenient.probe(work, open))).toMatchObject({ restored: 1, expected: 1 })
  })
})

describe('numbers whose changes commute', () => {
  it.each([
    [
      'integers of 16 digits',
      '9007199254740900',
      ['INCRBY', 'n', '80'],
      ['INCRBY', 'n', '5'],
      '9007199254740905',
    ],
    ['fractions', '10.1', ['INCRBYFLOAT', 'n', '-2.5'], ['INCRBYFLOAT', 'n', '0.7'], '10.8'],
    ['a counter that the action made', null, ['INCRBY', 'n', '3'], ['INCRBY', 'n', '4'], '4'],
    ['a counter that the action made, and nobody else changed', null, ['INCRBY', 'n', '3'], null, null],
  ] as const)('%s', async (_, start, action, other, end) => {
    if (start !== null) await server.admin.set('n', start)
    const adapter = shop.adapter({ undo: { delta: [{ key: 'n' }] } })
    const id = fresh()
    await shop.act(id, [...action] as never)
    if (other) await server.admin.call(...(other as unknown as [string]))
    const work = await shop.work(adapter, id)
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 0, expected: 1 })
    applied(await adapter.undo(work, open))
    expect(await server.admin.get('n')).toBe(end)
    applied(await adapter.undo(work, open))
    expect(await server.admin.get('n')).toBe(end)
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 1, expected: 1, differences: [] })
  })

  it('are summed up over the step before a bound is looked at, and hold it also under force', async () => {
    const parts = { undo: { delta: [{ key: 'n', min: 0, max: 100 }] } }
    await server.admin.set('n', '1')
    const adapter = shop.adapter(parts)
    const id = fresh()
    await shop.act(id, ['INCRBY', 'n', '50'])
    await shop.act(id, ['INCRBY', 'n', '-48'])
    // 3 now; taking -48 back alone would be 51, taking 50 back alone below zero: together 1.
    const work = await shop.work(adapter, id)
    applied(await adapter.undo(work, open))
    expect(await server.admin.get('n')).toBe('1')

    const other = fresh()
    await shop.act(other, ['INCRBY', 'n', '50'])
    await server.admin.set('n', '20')
    const difference = { item: 'n', field: '', before: '"1"', after: '"51"', current: '"20"' }
    for (const resolution of [null, 'force'] as const)
      expect(await adapter.undo(await shop.work(adapter, other, { resolution }), open)).toEqual({
        kind: 'conflict',
        differences: [difference],
      })
    expect(await server.admin.get('n')).toBe('20')
  })

  it('that a double cannot hold are refused before anything is touched', async () => {
    await server.admin.set('n', '9223372036854775000')
    await server.admin.set('s', 'old')
    const adapter = shop.adapter({ undo: { delta: [{ key: 'n' }] } })
    const id = fresh()
    await shop.act(id, ['INCRBY', 'n', '7'], ['SET', 's', 'new'])
    const work = await shop.work(adapter, id)
    expect(await adapter.undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('n  is declared delta'),
    })
    expect([await server.admin.get('n'), await server.admin.get('s')]).toEqual(['9223372036854775007', 'new'])
  })
})
