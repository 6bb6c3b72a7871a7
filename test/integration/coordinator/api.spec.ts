import { get as get_ } from 'node:http'
import type { CoordinatorService } from '@unwind/coordinator'
import { policySchema } from '@unwind/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryTarget } from '../../support/memory-target.js'
import { contractOf, eventually, Scene } from './harness.js'

interface Answer {
  readonly status: number
  readonly type: string | null
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers, compared as a whole
  readonly body: any
}

describe('the HTTP API', () => {
  let scene: Scene
  let coordinator: CoordinatorService
  const target = new MemoryTarget()

  beforeAll(async () => {
    scene = await Scene.open(['orders', 'payments'])
    const orders = contractOf('orders')
    await scene.publish(contractOf('payments', ['orders']))
    scene.addKey('coordinator:strict', ['coordinator'])
    coordinator = await scene.coordinator()
    await scene.world.sidecar(orders, () => () => target, scene.key('orders'))
  })
  afterAll(() => scene.world.close())

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: object = {},
    base = coordinator,
  ): Promise<Answer> {
    const response = await fetch(`${base.apiUrl}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.json(),
    }
  }
  const view = (rollbackId: string) => call('GET', `/v1/rollbacks/${rollbackId}`).then(a => a.body)
  const closed = (rollbackId: string) =>
    eventually(
      `${rollbackId} is closed`,
      () => view(rollbackId),
      v => v.phase === 'closed',
    )

  it('takes a proposal, and shows the rollback until its end', async () => {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const { status, body } = await call('POST', '/v1/rollbacks', {
      correlationId,
      reason: 'it failed',
      actor: 'user:ana',
    })
    expect([status, body]).toEqual([202, { rollbackId: expect.stringMatching(/^rb-[0-9a-z]{17}$/) }])
    const shown = await closed(body.rollbackId)
    expect(shown).toMatchObject({
      rollbackId: body.rollbackId,
      correlationId,
      phase: 'closed',
      endState: 'RESTORED_VERIFIED',
      reason: 'it failed',
      proposedBy: 'user:ana',
      revision: 1,
      restored: 1,
      expected: 1,
      steps: [
        { stepId: 'orders', system: 'orders', tier: 0, status: 'verified', round: 0, outcome: 'undone' },
      ],
    })
    expect((await call('GET', `/v1/rollbacks?correlationId=${correlationId}`)).body).toMatchObject({
      nextCursor: null,
      stale: false,
      rollbacks: [
        expect.objectContaining({
          rollbackId: body.rollbackId,
          phase: 'closed',
          endState: 'RESTORED_VERIFIED',
        }),
      ],
    })
    const plan = await call('GET', `/v1/rollbacks/${body.rollbackId}/plan`)
    expect(plan.body).toMatchObject({
      revision: 1,
      rows: [{ tier: 0, stepId: 'orders', undoes: ['orders.done'] }],
    })
  })

  it('takes the same proposal twice as one', async () => {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const proposal = { correlationId, reason: 'twice', rollbackId: `rb-${correlationId}` }
    const answers = await Promise.all([
      call('POST', '/v1/rollbacks', proposal),
      call('POST', '/v1/rollbacks', proposal),
    ])
    expect(answers.map(a => [a.status, a.body.rollbackId])).toEqual([
      [202, proposal.rollbackId],
      [202, proposal.rollbackId],
    ])
    await closed(proposal.rollbackId)
    expect([...target.effects].filter(([step]) => step.startsWith(proposal.rollbackId))).toEqual([
      [`${proposal.rollbackId}/orders`, 1],
    ])
  })

  it('shows the plan that a proposal would get, and changes nothing', async () => {
    const correlationId = scene.order()
    const placed = await scene.record(correlationId, 'orders', { resource: 'orders/7' })
    await scene.record(correlationId, 'payments', { causationId: placed })
    const before = scene.world.ledger.length
    const { status, body } = await call('POST', '/v1/plans', { correlationId })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      correlationId,
      rows: [
        { tier: 0, stepId: 'payments', undoes: ['payments.done'], waitsFor: [] },
        { tier: 1, stepId: 'orders', undoes: ['orders.done orders/7'], waitsFor: ['payments'] },
      ],
      totals: { systems: 2, steps: 2, tiers: 2, actions: 2 },
      policy: {
        decision: 'pre-approved',
        because: ['policy default 1.0.0: 2 steps of at most 20, proposed by user:api'],
      },
    })
    expect(scene.world.ledger.length).toBe(before)
  })

  it('passes a command on, and refuses one that does not fit', async () => {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    target.undoScript.push({ kind: 'conflict', differences: [] })
    const { rollbackId } = (await call('POST', '/v1/rollbacks', { correlationId, reason: 'conflict' })).body
    await eventually(
      'it is parked',
      () => view(rollbackId),
      v => v.steps[0]?.status === 'parked',
    )
    const commands = `/v1/rollbacks/${rollbackId}/commands`
    const wrong = await call('POST', commands, {
      command: 'resolve',
      stepId: 'orders',
      reason: 'looked at it',
    })
    expect(wrong).toMatchObject({
      status: 409,
      type: 'application/problem+json; charset=utf-8',
      body: {
        type: 'urn:unwind:problem:does-not-fit',
        detail: `rollback ${rollbackId}: resolve by user:api: resolve needs a resolution: keep, force, merge or manual (got none)`,
      },
    })
    const right = {
      command: 'resolve',
      stepId: 'orders',
      resolution: 'force',
      reason: 'ours is right',
      actor: 'user:ana',
    }
    expect((await call('POST', commands, right)).status).toBe(202)
    expect((await closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
    const late = await call('POST', commands, { command: 'pause', reason: 'too late' })
    expect([late.status, late.body.detail]).toEqual([
      409,
      `rollback ${rollbackId} is closed, pause needs one that runs`,
    ])
  })

  it('lets a plan wait for an approval that counts', async () => {
    const strict = await scene.coordinator('coordinator:strict', {
      group: `${scene.prefix}.strict`,
      view: { url: scene.redisUrl, prefix: `${scene.prefix}-strict` },
      policy: policySchema.parse({ preApproved: { maxSteps: 0 } }),
      api: { approverKey: scene.key('ana'), actor: 'user:bob' },
    })
    await coordinator.stop()
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const ask = (path: string, body: object) => call('POST', path, body, {}, strict)
    const mine = (await ask('/v1/rollbacks', { correlationId, reason: 'r', actor: 'user:ana' })).body
      .rollbackId
    await scene.first(mine, 'ApprovalRequested')
    // What is in the ledger is a moment later in the view, and in the coordinator's own fold.
    const plan = (id: string) => call('GET', `/v1/rollbacks/${id}/plan`, undefined, {}, strict)
    const seen = async (id: string) =>
      (
        await eventually(
          'the plan is shown',
          () => plan(id),
          a => a.body.planHash !== undefined,
        )
      ).body.planHash
    const decide = (id: string, body: object) =>
      eventually(
        'the plan waits',
        () => ask(`/v1/rollbacks/${id}/approvals`, body),
        a => a.body.type !== 'urn:unwind:problem:does-not-fit',
      )
    const planHash = await seen(mine)
    const approve = { decision: 'approve', planHash, reason: 'mine' }
    const own = await decide(mine, approve)
    expect([own.status, own.body.detail]).toEqual([
      403,
      'user:ana may not approve what user:ana proposed; it takes role:approver, never the proposer',
    ])
    await ask(`/v1/rollbacks/${mine}/approvals`, { decision: 'deny', reason: 'a mistake' })
    const denied = () => call('GET', `/v1/rollbacks/${mine}`, undefined, {}, strict).then(a => a.body)
    expect(await eventually('it is denied', denied, v => v.phase === 'denied')).toMatchObject({
      denied: 'user:bob: a mistake',
    })
    const theirs = (await ask('/v1/rollbacks', { correlationId, reason: 'r', actor: 'user:bob' })).body
      .rollbackId
    const other = await decide(theirs, approve)
    expect([other.status, other.body.type]).toEqual([409, 'urn:unwind:problem:plan-changed'])
    const blind = await ask(`/v1/rollbacks/${theirs}/approvals`, { decision: 'approve', reason: 'fine' })
    expect([blind.status, blind.body.type]).toEqual([400, 'urn:unwind:problem:plan-hash-needed'])
    const fine = { decision: 'approve', planHash: await seen(theirs), reason: 'fine' }
    expect((await ask(`/v1/rollbacks/${theirs}/approvals`, fine)).status).toBe(202)
    const { data } = await scene.first(theirs, 'RollbackRequested')
    expect(data.approvals).toMatchObject([{ approver: 'user:ana', planHash: data.planHash }])
    expect((await scene.first(theirs, 'RollbackClosed')).data.endState).toBe('RESTORED_VERIFIED')
    await strict.stop()
    coordinator = await scene.coordinator()
  })

  it('streams the timeline and goes on where a reader was cut off', async () => {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const path = `/v1/correlations/${correlationId}/timeline`
    await eventually(
      'it is recorded',
      () => call('GET', path),
      a => a.body.entries.length === 1,
    )
    const first = await events(`${path}/stream`, 1)
    expect(first.map(e => e.data.kind)).toEqual(['ActionRecorded'])
    const { rollbackId } = (await call('POST', '/v1/rollbacks', { correlationId, reason: 'r' })).body
    const rest = await events(`${path}/stream`, 4, first.at(-1)!.id)
    // A first attempt is announced only if it is slow: on a busy machine it may be.
    const announced = rest.some(e => e.data.kind === 'CompensationStarted')
    if (announced) rest.push(...(await events(`${path}/stream`, 1, rest.at(-1)!.id)))
    expect(rest.map(e => e.data.kind).filter(kind => kind !== 'CompensationStarted')).toEqual([
      'RollbackProposed',
      'RollbackRequested',
      'CompensationCompleted',
      'RollbackClosed',
    ])
    expect(rest.every(e => e.data.rollbackId === rollbackId)).toBe(true)
  })

  it('lists the systems with their contracts and sidecars', async () => {
    const { body } = await call('GET', '/v1/systems')
    expect(body.systems).toMatchObject([
      {
        system: 'orders',
        contract: { version: '1.0.0', adapter: 'memory' },
        sidecar: { instance: 'sidecar:orders-test' },
      },
      { system: 'payments', contract: { dependsOn: ['orders'] }, sidecar: null },
    ])
  })

  it('says what is wrong with a request, key by key', async () => {
    const { status, body } = await call('POST', '/v1/rollbacks', {
      correlationId: '',
      systems: ['Orders'],
      extra: 1,
    })
    expect(status).toBe(400)
    expect(body.type).toBe('urn:unwind:problem:invalid-input')
    expect(body.errors.map((e: { key: string }) => e.key)).toEqual([
      'body.correlationId',
      'body.reason',
      'body.systems.0',
      'body',
    ])
    expect((await call('POST', '/v1/rollbacks', '{"x":')).body).toMatchObject({
      status: 400,
      title: 'The request cannot be read',
    })
    const large = await call('POST', '/v1/rollbacks', { correlationId: 'x', reason: 'r'.repeat(70_000) })
    expect(large.body).toMatchObject({ status: 413, hint: 'send JSON of at most 64 KiB' })
    expect((await call('GET', '/v1/rollbacks/rb-nowhere')).body).toMatchObject({
      status: 404,
      title: 'There is no such rollback',
    })
    expect((await call('GET', '/v2/x')).body).toMatchObject({
      status: 404,
      detail: 'GET /v2/x is not part of this API',
    })
  })

  it('describes itself', async () => {
    const { body } = await call('GET', '/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths)).toContain('/v1/rollbacks/{rollbackId}/commands')
    expect(body.paths['/v1/rollbacks'].post.requestBody.content['application/json'].schema.required).toEqual([
      'correlationId',
      'reason',
    ])
    expect((await call('GET', '/readyz')).body).toEqual({ ready: true, remarks: [] })
  })

  it('asks for the token where one is configured, and for a local address where none is', async () => {
    const guarded = await scene.coordinator('coordinator:strict', { api: { token: 'sesame' } })
    const get = (headers: object) => call('GET', '/v1/systems', undefined, headers, guarded)
    expect([(await get({})).status, (await get({ authorization: 'Bearer wrong' })).status]).toEqual([
      401, 401,
    ])
    expect((await get({ authorization: 'Bearer sesame' })).status).toBe(200)
    await guarded.stop()
    const elsewhere = await new Promise<number | undefined>((resolve, reject) => {
      const url = `${coordinator.apiUrl}/v1/systems`
      get_(url, { headers: { host: 'evil.example:7300' } }, response => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
    expect(elsewhere).toBe(403)
  })

  it('refuses a rollback ID that belongs to another correlation ID', async () => {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const rollbackId = `rb-${correlationId}`
    await call('POST', '/v1/rollbacks', { correlationId, reason: 'r', rollbackId })
    const other = await call('POST', '/v1/rollbacks', {
      correlationId: scene.order(),
      reason: 'r',
      rollbackId,
    })
    expect(other).toMatchObject({ status: 409, body: { type: 'urn:unwind:problem:id-taken' } })
  })

  /** Reads so many events of a stream, then cuts it. */
  async function events(path: string, count: number, lastEventId?: string) {
    const cut = new AbortController()
    const response = await fetch(`${coordinator.apiUrl}${path}`, {
      headers: lastEventId ? { 'last-event-id': lastEventId } : {},
      signal: cut.signal,
    })
    const found: { id: string; data: { kind: string; rollbackId: string | null } }[] = []
    let text = ''
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString()
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) {
        const id = /^id: (.+)$/m.exec(block)?.[1]
        const data = /^data: (.+)$/m.exec(block)?.[1]
        if (id && data) found.push({ id, data: JSON.parse(data) })
      }
      if (found.length >= count) break
    }
    cut.abort()
    return found
  }
})
