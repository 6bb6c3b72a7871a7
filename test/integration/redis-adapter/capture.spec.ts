import { ActionFenced, CaptureRefused, createRedisCapture } from '@unwind/client/redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { applied, fresh, open, Shop } from './harness.js'
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

describe('a captured write', () => {
  it('gives the answers of its commands, and runs once under its action ID', async () => {
    const action = { correlationId: fresh(), action: 'cart.changed', actionId: 'carts:1' }
    const commands = [
      ['HSET', 'h', 'a', '1'],
      ['HINCRBY', 'h', 'a', 4],
      ['LPOP', 'none'],
    ] as const
    expect(await shop.capture.write(action, commands)).toEqual({
      actionId: 'carts:1',
      replies: [1, 5, null],
      before: false,
    })
    expect(await shop.capture.write(action, commands)).toEqual({
      actionId: 'carts:1',
      replies: [],
      before: true,
    })
    expect(await server.admin.hget('h', 'a')).toBe('5')
  })

  it('leaves nothing behind when one of its commands fails', async () => {
    await server.admin.hset('h', { a: '1', gone: 'x' })
    await server.admin.pexpire('h', 600_000)
    await server.admin.set('text', 'words')
    await server.admin.rpush('list', 'a', 'b')
    const keys = ['h', 'text', 'list', 'new']
    const start = await shop.image(...keys)
    const id = fresh()
    const failing = shop.act(
      id,
      ['HSET', 'h', 'a', '2', 'b', '3'],
      ['HDEL', 'h', 'gone'],
      ['LPUSH', 'list', 'z'],
      ['SADD', 'new', 'm'],
      ['SET', 'text', 'other'],
      ['INCR', 'text'],
    )
    await expect(failing).rejects.toThrow(/INCR text: ERR value is not an integer/)
    await expect(failing).rejects.toBeInstanceOf(CaptureRefused)
    expect(await shop.image(...keys)).toEqual(start)
    expect((await shop.work(shop.adapter(), id)).actions).toEqual([])
  })

  it.each([
    [['XADD', 's', '*', 'a', '1'], /XADD cannot be captured/],
    [['DEL', 'a', 'b'], /DEL takes one key here/],
    [['FLUSHALL', 'x'], /FLUSHALL cannot be captured/],
    [['LPUSH', 'big', 'x'], /big has more elements than are captured whole/],
  ] as const)('refuses what it cannot undo: %s', async (command, why) => {
    await server.admin.rpush('big', ...Array.from({ length: 20 }, String))
    const capture = createRedisCapture(server.admin, { system: 'carts', maxElements: 10 })
    const action = { correlationId: fresh(), action: 'cart.changed' }
    await expect(capture.write(action, [['SET', 'first', '1'], command as never])).rejects.toThrow(why)
    expect(await server.admin.exists('first', 's')).toBe(0)
  })

  it('of single fields of a large key captures these fields only', async () => {
    await server.admin.zadd('board', ...Array.from({ length: 5_000 }, (_, i) => [String(i), `m${i}`]).flat())
    const id = fresh()
    await shop.act(id, ['ZADD', 'board', 'XX', '70000', 'm7'])
    const [bytes] = await server.admin.hvalsBuffer(`unwind:undo:{${id}}`)
    expect(bytes!.length).toBeLessThan(200)
    const adapter = shop.adapter()
    applied(await adapter.undo(await shop.work(adapter, id), open))
    expect(await server.admin.zscore('board', 'm7')).toBe('7')
  })

  it('stays in Redis: fence and relay say keys, never values', async () => {
    const id = fresh()
    await shop.act(id, ['SET', 'secret:1', 'swordfish'])
    const adapter = shop.adapter()
    const [report] = await adapter.fence([{ correlationId: id, rollbackId: 'rb' }], open)
    const [relayed] = await adapter.capture!.next(10, open)
    expect(JSON.stringify([report, relayed])).not.toContain('swordfish')
    expect(relayed).toMatchObject({ correlationId: id, items: 1, data: '{"items":1,"keys":["secret:1"]}' })
  })

  it('is kept as long as the contract says, and not longer', async () => {
    const id = fresh()
    const capture = createRedisCapture(server.admin, { system: 'carts', retentionMs: 60_000 })
    await capture.write({ correlationId: id, action: 'cart.changed' }, [['SET', 'k', 'v']])
    expect(await server.admin.pttl(`unwind:undo:{${id}}`)).toBeGreaterThan(50_000)
    const adapter = shop.adapter({ adapter: { retention: '1h' } })
    const work = await shop.work(adapter, id)
    applied(await adapter.undo(work, open))
    const ttl = await server.admin.pttl(`unwind:effect:{${id}}:${work.key}`)
    expect([ttl > 3_500_000, ttl <= 3_600_000]).toEqual([true, true])
    await server.admin.del(`unwind:undo:{${id}}`)
    expect(await adapter.probe(work, open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('the undo log has no images of action'),
    })
  })
})

describe('the fence', () => {
  it('rejects: a late write fails and leaves nothing behind; other correlation IDs go on', async () => {
    const adapter = shop.adapter({ adapter: { fence: 'reject' } })
    expect(adapter.features.fence).toBe('stops')
    const id = fresh()
    await adapter.fence([{ correlationId: id, rollbackId: 'rb-7' }], open)
    const late = shop.act(id, ['SET', 'k', 'v'])
    await expect(late).rejects.toBeInstanceOf(ActionFenced)
    await expect(late).rejects.toThrow(`${id} is being rolled back (rb-7)`)
    expect(await server.admin.exists('k')).toBe(0)
    await shop.act(fresh(), ['SET', 'k', 'v'])
    expect(await server.admin.get('k')).toBe('v')
  })

  it('exposes: a late write goes through and is found', async () => {
    const adapter = shop.adapter()
    expect(adapter.features.fence).toBe('exposes')
    const id = fresh()
    expect((await shop.work(adapter, id)).actions).toEqual([])
    await shop.act(id, ['SET', 'k', 'v'])
    expect((await shop.work(adapter, id)).actions).toHaveLength(1)
  })

  it('of many correlation IDs is put at once', async () => {
    const adapter = shop.adapter()
    const ids = Array.from({ length: 200 }, fresh)
    for (const id of ids) await shop.act(id, ['SET', `k:${id}`, 'v'])
    const requests = ids.map(correlationId => ({ correlationId, rollbackId: `rb-${correlationId}` }))
    const reports = await adapter.fence(requests, open)
    expect(reports.map(report => report.kind === 'fenced' && report.found.length)).toEqual(ids.map(() => 1))
  })
})

describe('the relay', () => {
  it('hands actions out in order, one process at a time, and goes on where it was', async () => {
    const ids = Array.from({ length: 5 }, fresh)
    for (const id of ids) await shop.act(id, ['SET', 'k', id])
    const [one, other] = [shop.adapter(), shop.adapter()]
    const first = await one.capture!.next(3, open)
    expect(first.map(action => action.correlationId)).toEqual(ids.slice(0, 3))
    expect(await other.capture!.next(3, open)).toEqual([])
    expect((await one.capture!.next(3, open)).map(action => action.cursor)).toEqual(
      first.map(action => action.cursor),
    )
    await one.capture!.published(first.at(-1)!)
    const rest = await one.capture!.next(10, open)
    expect(rest.map(action => action.correlationId)).toEqual(ids.slice(3))
    await one.capture!.published(rest.at(-1)!)
    expect(await one.capture!.next(10, open)).toEqual([])
    expect(await server.admin.xlen('unwind:outbox')).toBe(0)
  })

  it('says the same of an action as the fence', async () => {
    const id = fresh()
    await shop.act(id, ['SET', 'k', 'v'], ['HSET', 'h', 'a', '1'])
    const adapter = shop.adapter()
    const [relayed] = await adapter.capture!.next(1, open)
    const [report] = await adapter.fence([{ correlationId: id, rollbackId: 'rb' }], open)
    const { actionId, action, resource, occurredAt, data } = relayed!
    expect(report).toMatchObject({ found: [{ actionId, action, resource, occurredAt, data }] })
  })

  it('does not stop at an action whose images have expired', async () => {
    const [lost, kept] = [fresh(), fresh()]
    await shop.act(lost, ['SET', 'k', '1'])
    const { capture } = shop.adapter()
    await server.admin.del(`unwind:undo:{${lost}}`)
    expect(await capture!.next(1, open)).toEqual([])
    await shop.act(kept, ['SET', 'k', '2'])
    expect((await capture!.next(1, open)).map(action => action.correlationId)).toEqual([kept])
  })
})
