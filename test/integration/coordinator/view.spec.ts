import { thawPlan } from '@unwind/contracts'
import type { CoordinatorService } from '@unwind/coordinator'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { contractOf, eventually, redisOf, Scene } from './harness.js'
import { RedisProxy } from './redis-proxy.js'

describe('the view that planning reads', () => {
  let scene: Scene
  let coordinator: CoordinatorService
  const redis = redisOf()
  const proxy = new RedisProxy(inject('stack').redisUrl)

  beforeAll(async () => {
    scene = await Scene.open(['orders', 'payments'])
    await scene.publish(contractOf('orders'))
    await scene.publish(contractOf('payments', ['orders']))
    await proxy.up()
    coordinator = await scene.coordinator('coordinator:one', {
      view: { url: proxy.url, prefix: scene.prefix, planWithinMs: 500 },
    })
  })
  afterAll(async () => {
    await scene.world.close()
    await proxy.down()
    redis.disconnect()
  })

  const actionsOf = async (rollbackId: string) => {
    const { data } = await scene.first(rollbackId, 'RollbackRequested')
    return thawPlan(data, data).steps.flatMap(step => step.actions.map(action => action.actionId))
  }
  const dry = async (order: string) => {
    const response = await fetch(`${coordinator.apiUrl}/v1/plans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ correlationId: order }),
    })
    return {
      status: response.status,
      body: (await response.json()) as { rows: { undoes: string[] }[]; type: string },
    }
  }

  it('gives the whole plan although it was flushed between the actions and the proposal', async () => {
    const order = scene.order()
    const first = await scene.record(order, 'orders')
    expect((await dry(order)).body.rows).toHaveLength(1)
    await flush()
    const second = await scene.record(order, 'payments')
    await flush()
    expect(await actionsOf(await scene.propose(order))).toEqual([second, first])
  })

  it('gives the whole plan although it was put back to an older state', async () => {
    const order = scene.order()
    const first = await scene.record(order, 'orders')
    expect((await dry(order)).body.rows).toHaveLength(1)
    // What a restored snapshot looks like: watermark and records as they were, together.
    const topic = scene.world.topics.actions
    const partition = String(scene.world.log.partitionOf(order, 3))
    const marks = `${scene.prefix}:v3:watermarks:${topic}`
    const records = `${scene.prefix}:v3:records:${topic}:${order}`
    const watermark = await redis.hget(marks, partition)
    const before = await redis.dumpBuffer(records)
    const second = await scene.record(order, 'payments')
    expect((await dry(order)).body.rows).toHaveLength(2)
    await redis.multi().hset(marks, partition, watermark!).restore(records, 0, before!, 'REPLACE').exec()
    expect(await actionsOf(await scene.propose(order))).toEqual([second, first])
  })

  it('holds the same records after it was built anew', async () => {
    const order = scene.order()
    for (let i = 0; i < 20; i++) await scene.record(order, i % 2 ? 'orders' : 'payments')
    const rollbackId = await scene.propose(order)
    await scene.first(rollbackId, 'RollbackRequested')
    const timeline = async () => {
      const response = await fetch(`${coordinator.apiUrl}/v1/correlations/${order}/timeline`)
      return (await response.json()) as { digest: string; entries: unknown[] }
    }
    const before = await eventually('the timeline is whole', timeline, t => t.entries.length === 22)
    await flush()
    const after = await eventually('the timeline is whole again', timeline, t => t.entries.length === 22)
    expect(after.digest).toBe(before.digest)
  })

  it('lets planning wait while Redis is away, says so, and goes on by itself', async () => {
    const order = scene.order()
    const placed = await scene.record(order, 'orders')
    const running = scene.order()
    await scene.record(running, 'orders')
    const under = await scene.propose(running)
    await scene.first(under, 'RollbackRequested')
    await proxy.down()
    const rollbackId = await scene.propose(order)
    const alarm = await scene.first(rollbackId, 'EscalationRaised')
    expect(alarm.data).toMatchObject({ kind: 'stuck', severity: 'critical' })
    expect(alarm.data.message).toMatch(
      /^rollback \S+: it cannot be planned yet: the Redis view does not answer/,
    )
    const refused = await dry(order)
    expect([refused.status, refused.body.type]).toEqual([503, 'urn:unwind:problem:view-unavailable'])
    // What is under way needs no view.
    await scene.completed(under, running, 'orders')
    expect((await scene.first(under, 'RollbackClosed')).data.endState).toBe('RESTORED_VERIFIED')
    await proxy.up()
    expect(await actionsOf(rollbackId)).toEqual([placed])
  })

  it('is found and filled when Redis comes up after the coordinator', async () => {
    const late = new RedisProxy(inject('stack').redisUrl)
    await late.up()
    await late.down()
    const second = await scene.coordinator('coordinator:one', {
      group: `${scene.prefix}.late`,
      view: { url: late.url, prefix: `${scene.prefix}-late` },
    })
    const order = scene.order()
    await scene.record(order, 'orders')
    const timeline = async () => {
      const response = await fetch(`${second.apiUrl}/v1/correlations/${order}/timeline`)
      return { status: response.status, body: (await response.json()) as { entries?: unknown[] } }
    }
    expect((await timeline()).status).toBe(503)
    await late.up()
    await eventually('the view is filled', timeline, t => t.status === 200 && t.body.entries?.length === 1)
    await second.stop()
    await late.down()
  })

  it('leaves out what nobody trusted signed, and raises an alarm', async () => {
    const order = scene.order()
    const placed = await scene.record(order, 'orders')
    const impostor = await scene.impostor()
    await impostor.send({
      type: 'ActionRecorded',
      data: {
        eventId: `payments:${order}:forged`,
        correlationId: order,
        system: 'payments',
        action: 'payments.done',
        resource: null,
        occurredAt: Date.now(),
        emitter: 'service:shop',
        causationId: null,
        data: '{}',
        items: 1,
        digest: null,
      },
    })
    const rollbackId = await scene.propose(order)
    expect(await actionsOf(rollbackId)).toEqual([placed])
    const alarm = await scene.first(rollbackId, 'EscalationRaised')
    expect(alarm.data).toMatchObject({
      kind: 'unauthorised',
      eventId: `${rollbackId}/escalation/unauthorised/actions/0`,
    })
  })

  /** Everything of this test's view, as FLUSHALL would take it; the Redis is shared with other tests. */
  async function flush(): Promise<void> {
    let cursor = '0'
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `${scene.prefix}:*`, 'COUNT', 1000)
      if (keys.length > 0) await redis.del(...keys)
      cursor = next
    } while (cursor !== '0')
  }
})
