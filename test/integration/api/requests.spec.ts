import type { CoordinatorService } from '@unwind/coordinator'
import { DEFAULT_STALL_OPTIONS } from '@unwind/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, eventually, redisOf, Scene } from '../coordinator/harness.js'
import { call, streamed } from './call.js'

const MOST = 60

describe('requests', () => {
  let scene: Scene
  let coordinator: CoordinatorService
  const redis = redisOf()

  beforeAll(async () => {
    scene = await Scene.open(['orders', 'absent', 'silent', 'stuck'])
    scene.addKey('coordinator:limited', ['coordinator'])
    for (const contract of [
      contractOf('orders', [], { deadline: '1s' }),
      contractOf('absent', ['orders'], { deadline: '1s' }),
      contractOf('silent', [], { deadline: '1s' }),
      contractOf('stuck', [], { deadline: '1s' }),
    ])
      await scene.publish(contract)
    coordinator = await scene.coordinator('coordinator:one', {
      view: { url: scene.redisUrl, prefix: scene.prefix, maxRecords: MOST },
      stall: { ...DEFAULT_STALL_OPTIONS, absentAfterMs: 500, pausedWithinMs: 100 },
    })
  })
  afterAll(async () => {
    redis.disconnect()
    await scene.world.close()
  })

  const post = (path: string, body: unknown, key?: string) =>
    call(coordinator, 'POST', path, body, key === undefined ? {} : { 'idempotency-key': key })
  const get = (path: string) => call(coordinator, 'GET', path)

  it('with one Idempotency-Key are one proposal, also when only the ledger remembers it', async () => {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const key = `key-${scene.prefix}`
    const body = { correlationId, reason: 'it failed' }
    const first = await post('/v1/rollbacks', body, key)
    expect(first.status).toBe(202)
    const { rollbackId } = first.body
    expect(await post('/v1/rollbacks', body, key)).toMatchObject({ status: 202, body: { rollbackId } })
    const other = await post('/v1/rollbacks', { ...body, reason: 'another' }, key)
    expect([other.status, other.body.type]).toEqual([422, 'urn:unwind:problem:idempotency-key-reused'])
    const elsewhere = await post('/v1/rollbacks', { ...body, correlationId: scene.order() }, key)
    expect(elsewhere.status).toBe(422)
    await scene.first(rollbackId, 'RollbackRequested')
    // Whatever Redis knew of keys is gone.
    const notes = await redis.keys(`${scene.prefix}:v3:note:*`)
    expect(notes.length).toBeGreaterThan(0)
    await redis.del(...notes)
    expect(await post('/v1/rollbacks', body, key)).toMatchObject({ status: 202, body: { rollbackId } })
    await redis.del(...(await redis.keys(`${scene.prefix}:v3:note:*`)))
    expect((await post('/v1/rollbacks', { ...body, reason: 'another' }, key)).status).toBe(422)
    expect(scene.world.of(rollbackId).filter(e => e.type === 'RollbackProposed')).toHaveLength(1)
    expect((await post('/v1/rollbacks', body, 'ä b')).status).toBe(400)
  })

  it('with one Idempotency-Key are one command, answered as the first one', async () => {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const rollbackId = await scene.propose(correlationId)
    await scene.first(rollbackId, 'RollbackRequested')
    await eventually(
      'it runs',
      () => get(`/v1/rollbacks/${rollbackId}`),
      a => a.body.phase === 'running',
    )
    const path = `/v1/rollbacks/${rollbackId}/commands`
    const pause = { command: 'pause', reason: 'let me look' }
    for (let n = 0; n < 2; n++) expect((await post(path, pause, `pause-${rollbackId}`)).status).toBe(202)
    await redis.del(...(await redis.keys(`${scene.prefix}:v3:note:*`)))
    expect((await post(path, pause, `pause-${rollbackId}`)).status).toBe(202)
    await redis.del(...(await redis.keys(`${scene.prefix}:v3:note:*`)))
    expect((await post(path, { ...pause, reason: 'no' }, `pause-${rollbackId}`)).status).toBe(422)
    expect(scene.world.of(rollbackId).filter(e => e.type === 'OperatorCommandIssued')).toHaveLength(1)
    const { rollbacks } = (await get(`/v1/correlations/${correlationId}/timeline`)).body
    expect(rollbacks[0].commands).toMatchObject([
      { command: 'pause', actor: 'user:api', reason: 'let me look' },
    ])
  })

  it('for a stream go on with the very next entry, wherever it was cut', async () => {
    const correlationId = scene.order()
    const first = await scene.record(correlationId, 'orders')
    for (let n = 0; n < 6; n++) await scene.record(correlationId, 'orders', { causationId: first })
    const whole = async () => (await get(`/v1/correlations/${correlationId}/timeline`)).body
    const { entries } = await eventually('all are there', whole, t => t.entries.length === 7)
    const expected = entries.map((e: { eventId: string }) => e.eventId)
    let last: string | undefined
    const got: string[] = []
    for (const count of [1, 2, 3]) {
      const part = await streamed(coordinator, correlationId, count, last)
      got.push(...part.map(e => e.eventId))
      last = part.at(-1)!.id
    }
    // Between two connections something comes.
    const late = await scene.record(correlationId, 'orders')
    await eventually('it is there', whole, t => t.entries.length === 8)
    got.push(...(await streamed(coordinator, correlationId, 2, last)).map(e => e.eventId))
    expect(got).toEqual([...expected, late])
  })

  it('for a correlation ID with too many actions are refused with what to do, and hold nobody else up', async () => {
    const flooded = scene.order()
    await Promise.all(Array.from({ length: MOST + 5 }, () => scene.record(flooded, 'orders')))
    const dry = await eventually(
      'all are in the view',
      () => post('/v1/plans', { correlationId: flooded }),
      a => a.body.detail?.includes(` ${MOST + 5} records`),
    )
    expect(dry).toMatchObject({
      status: 422,
      body: {
        type: 'urn:unwind:problem:too-many-actions',
        detail: `"${flooded}" has ${MOST + 5} records in ${scene.world.topics.actions}, and at most ${MOST} are read at once`,
        hint: expect.stringContaining('a correlation ID of its own'),
      },
    })
    const rollbackId = await scene.propose(flooded)
    const alarm = await scene.first(rollbackId, 'EscalationRaised')
    expect(alarm.data).toMatchObject({
      kind: 'stuck',
      message: expect.stringContaining(`at most ${MOST} are read at once`),
      hint: expect.stringContaining('a correlation ID of its own'),
    })
    const shown = (await get(`/v1/correlations/${flooded}/timeline`)).body
    expect(shown.entries.length).toBeGreaterThanOrEqual(MOST + 5)
    const usual = scene.order()
    await scene.record(usual, 'orders')
    await scene.first(await scene.propose(usual), 'RollbackRequested', 3_000)
  })

  it('beyond what one caller may send are answered with 429 and when to come again', async () => {
    const limited = await scene.coordinator('coordinator:limited', {
      group: `${scene.prefix}.limited`,
      view: { url: scene.redisUrl, prefix: `${scene.prefix}-limited` },
      api: { port: 0, requestsPerSecond: 1 },
    })
    const answers = []
    for (let n = 0; n < 11; n++) answers.push(await call(limited, 'GET', '/v1/systems'))
    const refused = answers.at(-1)!
    expect(answers.slice(0, 10).map(a => a.status)).toEqual(Array(10).fill(200))
    expect(answers[0]!.headers.get('ratelimit')).toBe('"caller";r=9;t=1')
    expect([refused.status, refused.body.type]).toEqual([429, 'urn:unwind:problem:too-many-requests'])
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(refused.headers.get('ratelimit-policy')).toBe('"caller";q=10;w=10')
    // Other callers are not held up by this one.
    expect((await call(limited, 'GET', '/v1/systems', undefined, { authorization: 'Bearer x' })).status).toBe(
      200,
    )
    expect((await call(limited, 'GET', '/livez')).status).toBe(200)
    await limited.stop()
  })

  it('show what stands still and why, with what is known of the processes', async () => {
    for (const system of ['silent', 'stuck']) await member(system)
    const order = async (...systems: string[]) => {
      const correlationId = scene.order()
      for (const system of systems) await scene.record(correlationId, system)
      const rollbackId = await scene.propose(correlationId)
      await scene.first(rollbackId, 'RollbackRequested')
      return { correlationId, rollbackId }
    }
    const blocked = await order('orders', 'absent')
    const silent = await order('silent')
    const stuck = await order('stuck')
    const paused = await order('orders')
    await (await scene.as('stuck')).send({
      type: 'CompensationStarted',
      data: {
        ...scene.about(stuck.rollbackId, stuck.correlationId, 'stuck'),
        eventId: `${stuck.rollbackId}/stuck/started/0.1`,
        stepId: 'stuck',
        round: 0,
        attempt: 1,
        instance: 'sidecar:stuck-test',
        contractVersion: '1.0.0',
      },
    })
    await post(`/v1/rollbacks/${paused.rollbackId}/commands`, { command: 'pause', reason: 'lunch' })
    const stallsOf = async ({ rollbackId }: { rollbackId: string }, ...kinds: string[]) => {
      const { body } = await eventually(
        `${kinds.join()} are shown`,
        () => get(`/v1/rollbacks/${rollbackId}`),
        a => kinds.every(kind => a.body.stalls?.some((s: { kind: string }) => s.kind === kind)),
      )
      return body.stalls
    }
    const both = await stallsOf(blocked, 'absent', 'blocked')
    expect(both).toMatchObject([
      {
        kind: 'absent',
        system: 'absent',
        evidence: { announcedAt: null, lag: null, members: 0, membersSeenAt: null },
      },
      { kind: 'absent', system: 'orders' },
      { kind: 'blocked', stepId: 'orders', blockedBy: ['absent'] },
    ])
    expect(await stallsOf(silent, 'not-consumed')).toMatchObject([
      { stepId: 'silent', evidence: { members: 1, membersSeenAt: expect.any(Number) } },
    ])
    expect(await stallsOf(stuck, 'stuck')).toMatchObject([{ stepId: 'stuck', system: 'stuck' }])
    expect(await stallsOf(paused, 'waiting-for-person')).toEqual(
      expect.arrayContaining([expect.objectContaining({ subject: 'pause' })]),
    )
    const { stalls } = (await get(`/v1/correlations/${blocked.correlationId}/timeline`)).body
    expect(stalls.map((s: { subject: string; rollbackId: string }) => [s.subject, s.rollbackId])).toEqual(
      both.map((s: { subject: string }) => [s.subject, blocked.rollbackId]),
    )
  })

  /** A member of a sidecar's group that takes no notice of anything. */
  async function member(system: string): Promise<void> {
    const { log, topics } = scene.world
    const consumer = log.consumer({
      groupId: `${topics.rollback}.sidecar.${system}`,
      topics: [topics.rollback],
      handlers: { onRecords() {}, onAssigned() {}, onFatal() {} },
    })
    await consumer.start()
    scene.world.onClose(() => consumer.stop())
  }
})
