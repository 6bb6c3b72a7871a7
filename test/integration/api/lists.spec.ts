import type { CoordinatorService } from '@unwind/coordinator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, eventually, redisOf, Scene } from '../coordinator/harness.js'
import { type Answer, call } from './call.js'

describe('lists of rollbacks, and the view that they are found by', () => {
  let scene: Scene
  let coordinator: CoordinatorService
  const redis = redisOf()
  /** In the order in which they began. */
  const ids: string[] = []
  const orders: string[] = []

  beforeAll(async () => {
    scene = await Scene.open(['orders', 'payments'])
    await scene.publish(contractOf('orders'))
    await scene.publish(contractOf('payments', ['orders']))
    coordinator = await scene.coordinator()
    for (let n = 0; n < 6; n++)
      await begin(n % 2 ? 'payments' : 'orders', n < 2 ? 'bad-release' : null, n === 1 ? 'shop 4.2.0' : null)
    for (const n of [0, 3]) {
      await scene.completed(ids[n]!, orders[n]!, n % 2 ? 'payments' : 'orders')
      await scene.first(ids[n]!, 'RollbackClosed')
    }
    await eventually(
      'two are closed',
      () => idsOf('phase=closed'),
      found => found.length === 2,
    )
  })
  afterAll(async () => {
    redis.disconnect()
    await scene.world.close()
  })

  async function begin(
    system: string,
    incidentClass: string | null = null,
    release: string | null = null,
  ): Promise<string> {
    const order = scene.order()
    await scene.record(order, system)
    const rollbackId = await scene.propose(order, { incidentClass, release })
    await scene.first(rollbackId, 'RollbackRequested')
    ids.push(rollbackId)
    orders.push(order)
    return rollbackId
  }
  const get = (path: string): Promise<Answer> => call(coordinator, 'GET', path)
  const idsOf = async (query: string): Promise<string[]> =>
    (await get(`/v1/rollbacks?${query}`)).body.rollbacks.map((r: { rollbackId: string }) => r.rollbackId)
  const those = (...places: number[]) => places.map(n => ids[n])

  it('are found by state, end, system, class, release, time and correlation ID, latest first', async () => {
    expect(await idsOf('phase=running')).toEqual(those(5, 4, 2, 1))
    expect(await idsOf('phase=closed')).toEqual(those(3, 0))
    expect(await idsOf('endState=RESTORED_VERIFIED')).toEqual(those(3, 0))
    expect(await idsOf('endState=PARTIAL')).toEqual([])
    expect(await idsOf('system=payments')).toEqual(those(5, 3, 1))
    expect(await idsOf('incidentClass=bad-release')).toEqual(those(1, 0))
    expect(await idsOf('release=shop+4.2.0')).toEqual(those(1))
    expect(await idsOf('release=shop+4.2.1')).toEqual([])
    expect(await idsOf('system=payments&phase=running&incidentClass=bad-release')).toEqual(those(1))
    expect(await idsOf(`correlationId=${orders[2]}`)).toEqual(those(2))
    const began = Number((await redis.zscore(`${scene.prefix}:v3:index:0:all`, ids[3]!))!)
    expect(await idsOf(`since=${began}`)).toEqual(expect.arrayContaining(those(5, 4, 3)))
    expect(await idsOf(`until=${began}`)).not.toContain(ids[3])
  })

  it('come page by page, without a repeat or a gap, although another one begins meanwhile', async () => {
    const first = (await get('/v1/rollbacks?limit=4')).body
    expect(first.rollbacks.map((r: { rollbackId: string }) => r.rollbackId)).toEqual(those(5, 4, 3, 2))
    await begin('orders')
    expect(await idsOf(`limit=4&cursor=${first.nextCursor}`)).toEqual(those(1, 0))
    expect(await idsOf('limit=1')).toEqual(those(6))
    const wrong = await get('/v1/rollbacks?cursor=nonsense')
    expect([wrong.status, wrong.body.errors]).toEqual([
      400,
      [{ key: 'query.cursor', message: 'not a cursor of this API' }],
    ])
  })

  it('and everything else are the same after the view was built again, and after it was flushed (I8)', async () => {
    const whole = async () => (await get('/v1/view')).body
    const complete = () => eventually('the view is complete', whole, s => !s.stale && s.behind === 0)
    await complete()
    const before = (await get('/v1/view/digest')).body
    const list = (await get('/v1/rollbacks')).body
    expect(before).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), stale: false })
    const asked = await call(coordinator, 'POST', '/v1/view/rebuild', {})
    expect(asked.status).toBe(202)
    await complete()
    expect((await get('/v1/view/digest')).body).toEqual(before)
    expect((await get('/v1/rollbacks')).body).toEqual(list)
    await flush()
    await eventually('the flush is seen', whole, s => s.stale || s.behind === 0)
    await complete()
    expect((await get('/v1/view/digest')).body).toEqual(before)
    expect((await get('/v1/rollbacks')).body).toEqual(list)
  })

  it('says what is stale while the view is built, and leaves out what the log does not hold', async () => {
    const order = orders[0]!
    const topic = scene.world.topics.actions
    const partition = String(scene.world.log.partitionOf(order, 3))
    const buildings = `${scene.prefix}:v3:buildings:${topic}`
    await redis.hset(buildings, `${partition}.until`, '1000000')
    const timeline = async () => (await get(`/v1/correlations/${order}/timeline`)).body
    expect([(await timeline()).stale, (await get('/v1/rollbacks')).body.stale]).toEqual([true, true])
    expect((await get('/v1/view')).body.stale).toBe(true)
    await redis.hdel(buildings, `${partition}.until`)
    const before = await timeline()
    expect(before.stale).toBe(false)
    // What an earlier building left: a list that names another one.
    await redis.lset(`${scene.prefix}:v3:records:${topic}:${order}`, 0, 'earlier')
    expect((await timeline()).entries.length).toBe(before.entries.length - 1)
    await call(coordinator, 'POST', '/v1/view/rebuild', {})
    expect(
      (await eventually('it is built', timeline, t => !t.stale && t.entries.length === before.entries.length))
        .digest,
    ).toBe(before.digest)
  })

  async function flush(): Promise<void> {
    let cursor = '0'
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `${scene.prefix}:*`, 'COUNT', 1000)
      if (keys.length > 0) await redis.del(...keys)
      cursor = next
    } while (cursor !== '0')
  }
})
