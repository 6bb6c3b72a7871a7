import { readFileSync } from 'node:fs'
import { createRedisCapture } from '@unwind/client/redis'
import { Cluster } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { adapterFor, applied, type ContractParts, fresh, open, Shop, seen, workOn } from './harness.js'
import { RedisServer } from './redis-server.js'

let server: RedisServer
const servers: RedisServer[] = []
const closers: (() => Promise<unknown>)[] = []

async function another(...options: string[]): Promise<RedisServer> {
  const started = await RedisServer.start(inject('stack').redisUrl, ...options)
  servers.push(started)
  return started
}

beforeAll(async () => {
  server = await another()
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})
afterAll(async () => {
  await Promise.all(servers.map(each => each.stop()))
})

function started(url: string, parts: ContractParts = {}) {
  const adapter = adapterFor(url, parts)
  closers.push(() => adapter.stop())
  return adapter.start()
}

describe('at the start it is refused, with what to do', () => {
  it('that nothing listens', async () => {
    await expect(started('redis://127.0.0.1:1')).rejects.toThrow(
      /contract carts 1\.0\.0: adapter\.url: cannot reach Redis: .*ECONNREFUSED.* See that Redis runs/,
    )
  })

  it('that the password is wrong, without showing it', async () => {
    const guarded = await another('--requirepass', 'right')
    const refused = started(`redis://:swordfish@127.0.0.1:${guarded.port}`)
    await expect(refused).rejects.toThrow(/WRONGPASS|NOAUTH|invalid/)
    await expect(refused).rejects.not.toThrow(/swordfish/)
    await started(`redis://:right@127.0.0.1:${guarded.port}`)
  })

  it('that the user lacks a command', async () => {
    await server.admin.acl('SETUSER', 'poor', 'on', '>secret', '~*', '+@all', '-xadd')
    await expect(started(`redis://poor:secret@127.0.0.1:${server.port}`)).rejects.toThrow(
      /can't run this command.*ACL SETUSER/s,
    )
  })

  it('that keys may be evicted', async () => {
    const evicting = await another('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
    await expect(started(evicting.url)).rejects.toThrow(/evicts keys \(maxmemory-policy allkeys-lru\)/)
  })

  it('that the server is a replica', async () => {
    const replica = await another('--replicaof', '127.0.0.1', String(server.port))
    await expect(started(replica.url)).rejects.toThrow(/this server is a replica; name the primary here/)
  })

  it('that a cluster is none', async () => {
    // A machine that is busy for seconds may hear nothing in time: that is another refusal.
    await vi.waitFor(
      () =>
        expect(started(server.url, { adapter: { cluster: true } })).rejects.toThrow(
          /cluster support disabled/,
        ),
      40_000,
    )
  })
})

describe('a running server', () => {
  it('is content with the rights that the documentation names', async () => {
    const page = readFileSync(new URL('../../../docs/how-to/redis.md', import.meta.url), 'utf8')
    const [user, ...rules] = /^ACL SETUSER ([^`]+)/m.exec(page)![1]!.trim().split(/\s+/)
    await server.admin.acl('SETUSER', user!, ...rules)
    const shop = new Shop(server)
    closers.push(() => shop.stop())
    const id = fresh()
    await server.admin.rpush('least:list', 'a')
    await shop.act(
      id,
      ['RPUSH', 'least:list', 'b'],
      ['SET', 'least:text', 'v', 'EX', '100'],
      ['HSET', 'least:hash', 'a', '1'],
    )
    const adapter = adapterFor(`redis://${user}:secret@127.0.0.1:${server.port}`)
    closers.push(() => adapter.stop())
    await adapter.start()
    const work = await shop.work(adapter, id)
    applied(await adapter.undo(work, open))
    expect(seen(await adapter.probe(work, open))).toMatchObject({ restored: 3, expected: 3 })
    const [relayed] = await adapter.capture!.next(100, open)
    await adapter.capture!.published(relayed!)
  })

  it('that has forgotten its scripts is given them again', async () => {
    const shop = new Shop(server)
    closers.push(() => shop.stop())
    const adapter = shop.adapter()
    for (let i = 0; i < 3; i++) {
      const id = fresh()
      await server.admin.script('FLUSH')
      await shop.act(id, ['SET', 'k', String(i)])
      const work = await shop.work(adapter, id)
      await server.admin.script('FLUSH')
      applied(await adapter.undo(work, open))
      await server.admin.script('FLUSH')
      expect(seen(await adapter.probe(work, open)).restored).toBe(1)
    }
  })

  it('that was restarted is reconnected to, and a step that came too late is refused', async () => {
    const shop = new Shop(server)
    closers.push(() => shop.stop())
    const adapter = shop.adapter({ adapter: { retention: '1h' } })
    const id = fresh()
    await shop.act(id, ['SET', 'late', 'v'])
    const work = await shop.work(adapter, id, { firstStartedAt: Date.now() - 3_600_001 })
    await server.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    expect(await adapter.undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('first tried longer ago than effect records are kept'),
    })
    expect(await server.admin.get('late')).toBe('v')
  })

  it('is not held up by a step with more keys than the contract allows', async () => {
    const shop = new Shop(server)
    closers.push(() => shop.stop())
    const adapter = shop.adapter({ adapter: { maxKeys: 3 } })
    const id = fresh()
    await shop.act(id, ...['a', 'b', 'c', 'd'].map(key => ['SET', `many:${key}`, 'v'] as const))
    const work = await shop.work(adapter, id)
    expect(await adapter.undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('4 keys are more than one script may touch (adapter.maxKeys 3)'),
    })
    expect(await server.admin.get('many:a')).toBe('v')
  })

  it('lets probes read at a replica, and waits for it to catch up', async () => {
    const primary = await another()
    const replica = await another('--replicaof', '127.0.0.1', String(primary.port))
    await expect.poll(() => replica.admin.info('replication')).toContain('master_link_status:up')
    const shop = new Shop(primary, { adapter: { replica: replica.url, within: '5s' } })
    closers.push(() => shop.stop())
    const adapter = shop.adapter()
    await adapter.start()
    const id = fresh()
    await shop.act(id, ['SET', 'k', 'v'])
    const work = await shop.work(adapter, id)
    await expect.poll(() => replica.admin.get('k')).toBe('v')
    // The replica is cut off: it shows the old state until it is let back in.
    await replica.admin.replicaof('127.0.0.1', '1')
    applied(await adapter.undo(work, open))
    expect(seen(await adapter.probe(work, open, 'glance'))).toMatchObject({ restored: 0, expected: 1 })
    const patient = adapter.probe(work, open)
    await replica.admin.replicaof('127.0.0.1', String(primary.port))
    expect(seen(await patient)).toMatchObject({
      restored: 1,
      expected: 1,
      how: 'script that only reads, at a replica',
    })
  })
})

describe('a cluster', () => {
  let node: RedisServer
  beforeAll(async () => {
    node = await another('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1')
    await node.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383').catch(async () => {
      // Before Redis 7 slots are named one by one.
      for (let slot = 0; slot < 16_384; slot += 4_096)
        await node.admin.cluster('ADDSLOTS', ...Array.from({ length: 4_096 }, (_, i) => slot + i))
    })
    await vi.waitFor(
      async () => expect(await node.admin.cluster('INFO')).toContain('cluster_state:ok'),
      10_000,
    )
  })

  it('undoes what was captured, by keys with the tag of the correlation ID', async () => {
    const client = new Cluster([{ host: '127.0.0.1', port: node.port }])
    closers.push(async () => client.disconnect())
    const capture = createRedisCapture(client, { system: 'carts', cluster: true })
    const id = fresh()
    const action = { correlationId: id, action: 'cart.changed' }
    await expect(capture.write(action, [['SET', 'cart:7', '1']])).rejects.toThrow(
      `needs the hash tag {${id}}`,
    )
    await capture.write(action, [
      ['SET', `{${id}}:cart`, '1'],
      ['HSET', `{${id}}:lines`, 'a', '1'],
    ])
    const adapter = adapterFor(node.url, { adapter: { cluster: true } })
    closers.push(() => adapter.stop())
    await adapter.start()
    expect(adapter.capture).toBeUndefined()
    const [report] = await adapter.fence([{ correlationId: id, rollbackId: 'rb' }], open)
    const found = report?.kind === 'fenced' ? report.found : []
    expect(found).toHaveLength(1)
    const work = workOn(id, found)
    expect(applied(await adapter.undo(work, open)).items).toBe(2)
    expect(await client.exists(`{${id}}:cart`, `{${id}}:lines`)).toBe(0)
    expect(seen(await adapter.probe(work, open)).restored).toBe(2)
  })

  it('refuses a step over several slots: at lint where the templates show it, else before anything is sent', async () => {
    const item = (key: string) => ({ type: 'string', key, before: null, after: '1' })
    const contract = (...keys: string[]): ContractParts => ({
      adapter: { cluster: true, images: 'data' },
      undo: { items: keys.map(item) },
    })
    expect(() => adapterFor(node.url, contract('a:{id}', 'b:{id}'))).toThrow(
      /actions\.cart\.changed\.undo: in a cluster all keys of a step must share one hash tag/,
    )
    const adapter = adapterFor(node.url, contract('{{{id}}}:a', '{{{id}}}:b'))
    closers.push(() => adapter.stop())
    await adapter.start()
    const actions = [1, 2].map(id => ({
      actionId: `carts:${id}`,
      action: 'cart.changed',
      resource: null,
      data: JSON.stringify({ id }),
    }))
    expect(await adapter.undo(workOn(fresh(), actions), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('a cluster runs a script in one slot only; nothing was sent'),
    })
    await node.admin.set('{1}:a', '1')
    await node.admin.set('{1}:b', '1')
    expect(applied(await adapter.undo(workOn(fresh(), actions.slice(0, 1)), open)).items).toBe(2)
    expect(await node.admin.exists('{1}:a', '{1}:b')).toBe(0)
  })
})
