import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Adapter } from '../../../packages/sidecar/src/adapter/port.js'
import { FaultyPayments } from './faulty-payments.js'
import { adapterFor, type ContractParts, open, workOn } from './harness.js'

let target: FaultyPayments
let url: string
const adapters: Adapter[] = []
const adapter = (parts?: ContractParts, at = url) => {
  const made = adapterFor(at, parts)
  adapters.push(made)
  return made
}

beforeEach(async () => {
  target = new FaultyPayments()
  url = await target.start()
  for (const id of ['p1', 'p2', 'p3']) target.add(id)
})
afterEach(async () => {
  await Promise.all(adapters.splice(0).map(each => each.stop()))
  await target.stop()
})

describe('an undo over http', () => {
  it('is sent with key, body and trace, and is proved by a read of its own', async () => {
    const http = adapter()
    await http.start()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const work = workOn(['p1'], { traceparent })
    expect(await http.undo(work, open)).toEqual({
      kind: 'applied',
      before: false,
      items: 1,
      fromDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      notes: [],
    })
    const post = target.requests.find(request => request.method === 'POST')
    expect(post).toMatchObject({
      path: '/payments/p1/refunds',
      body: '{"amount":1250,"reason":"rollback rb-1"}',
      headers: { 'idempotency-key': '"rb-1/payments"', 'content-type': 'application/json', traceparent },
    })
    expect(await http.probe(work, open)).toEqual({
      kind: 'seen',
      restored: 1,
      expected: 1,
      kept: 0,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      differences: [],
      how: 'GET /payments/p1',
    })
  })

  it.each([2, 10])('that is repeated %i times has one effect', async times => {
    const http = adapter()
    for (let i = 0; i < times; i++)
      expect(await http.undo(workOn(['p1', 'p2']), open)).toMatchObject({
        kind: 'applied',
        before: i > 0,
        items: 2,
      })
    expect([target.effectsOf('p1'), target.effectsOf('p2')]).toEqual([1, 1])
  })

  it('by several processes at once has one effect', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => adapter().undo(workOn(['p1']), open)))
    expect(results.map(result => result.kind)).toEqual(Array(5).fill('applied'))
    expect(target.effectsOf('p1')).toBe(1)
  })

  it('fills recorded data in without leaving the path', async () => {
    target.add('../x?y#z')
    expect(await adapter().undo(workOn(['../x?y#z']), open)).toMatchObject({ kind: 'applied' })
    expect(target.requests.at(-1)?.path).toBe('/payments/..%2Fx%3Fy%23z/refunds')
    expect(await adapter().undo(workOn(['..']), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('leaves its path; nothing was sent'),
    })
  })

  it('keeps one connection for many requests', async () => {
    const http = adapter({ adapter: { connections: 1 } })
    for (const id of ['p1', 'p2', 'p3']) await http.undo(workOn([id], { key: `rb-1/${id}` }), open)
    expect(target.requests).toHaveLength(6)
    expect(new Set(target.requests.map(request => request.port)).size).toBe(1)
  })
})

describe('an unknown outcome', () => {
  it.each([
    ['cut-before-effect', 'unknown', 0],
    ['cut-after-effect', 'unknown', 1],
    ['hang-before-effect', 'timeout', 0],
    ['hang-after-effect', 'timeout', 1],
    ['truncate-after-effect', 'unknown', 1],
  ] as const)('after %s is said to be %s, and the next try has one effect', async (fault, code, effects) => {
    target.faults.POST.push(fault)
    const http = adapter()
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'failed', code })
    expect(target.effectsOf('p1')).toBe(effects)
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'applied', before: effects === 1 })
    expect(target.effectsOf('p1')).toBe(1)
    expect(await http.probe(workOn(['p1']), open)).toMatchObject({ kind: 'seen', restored: 1 })
  })

  it('with a read that lags behind is still one effect, by the key', async () => {
    target.faults.POST.push('cut-after-effect')
    target.staleReads = 1
    const http = adapter()
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'failed', code: 'unknown' })
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'applied', before: false })
    expect([target.sent('POST'), target.effectsOf('p1')]).toEqual([2, 1])
  })

  it.each([
    [{ status: 500 }, 'unknown'],
    [{ status: 500, after: true }, 'unknown'],
    [{ status: 202 }, 'unknown'],
    [{ status: 503, headers: { 'retry-after': '2' } }, 'transient'],
    [{ status: 429 }, 'transient'],
    [{ status: 403 }, 'contract'],
    [{ status: 400 }, 'contract'],
    ['redirect', 'contract'],
  ] as const)('is told apart from what is known: %j is %s', async (fault, code) => {
    target.faults.POST.push(fault)
    const result = await adapter().undo(workOn(['p1']), open)
    expect(result).toMatchObject({ kind: 'failed', code })
    if (typeof fault === 'object' && 'headers' in fault) expect(result).toMatchObject({ retryAfterMs: 2_000 })
    expect(JSON.stringify(result)).not.toContain('s3cret')
  })

  it('of a step with several items is resumed without repeating', async () => {
    target.faults.POST.push({ meanwhile: () => undefined }, { status: 503 })
    const http = adapter()
    expect(await http.undo(workOn(['p1', 'p2', 'p3']), open)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message:
        'POST /payments/p2/refunds answered 503: not now; 1 of 3 items were undone before; they are not repeated',
    })
    expect(await http.undo(workOn(['p1', 'p2', 'p3']), open)).toMatchObject({ kind: 'applied', items: 3 })
    expect(['p1', 'p2', 'p3'].map(id => target.effectsOf(id))).toEqual([1, 1, 1])
    expect(
      target.requests
        .filter(request => request.method === 'POST')
        .map(request => request.headers['idempotency-key']),
    ).toEqual([
      '"rb-1/payments/payments:p1"',
      '"rb-1/payments/payments:p2"',
      '"rb-1/payments/payments:p2"',
      '"rb-1/payments/payments:p3"',
    ])
  })

  it('is not tried again with a key that the target has forgotten', async () => {
    const work = workOn(['p1'], { firstStartedAt: Date.now() - 2_000 })
    expect(await adapter({ adapter: { keyRetention: '1s' } }).undo(work, open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('not sent again'),
    })
    expect(target.sent('POST')).toBe(0)
    expect(await adapter({ adapter: { keyRetention: '1h' } }).undo(work, open)).toMatchObject({
      kind: 'applied',
    })
  })

  it('is what a stopping sidecar leaves, at once', async () => {
    target.faults.POST.push('hang-before-effect')
    const stopping = new AbortController()
    const undone = adapter({ action: { timeout: '20s' } }).undo(workOn(['p1']), stopping.signal)
    await expect.poll(() => target.sent('POST')).toBe(1)
    stopping.abort()
    expect(await undone).toMatchObject({
      kind: 'failed',
      code: 'unknown',
      message: expect.stringContaining('the sidecar stopped'),
    })
  })
})

describe('a target that is not there', () => {
  it('has had nothing sent to it', async () => {
    await target.stop()
    expect(await adapter().undo(workOn(['p1']), open)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('keeps the sidecar from starting, with what to do', async () => {
    await target.stop()
    await expect(adapter().start()).rejects.toThrow(
      /contract payments 1.0.0: adapter.baseUrl: GET 127.0.0.1:\d+\/: ECONNREFUSED.*See that the target runs/,
    )
  })

  it('is refused at start when its health path does not take the credentials', async () => {
    target.faults.GET.push({ status: 401 })
    await expect(adapter({ adapter: { health: '/health' } }).start()).rejects.toThrow(
      'adapter.health: GET /health answered 401',
    )
  })

  it('is never a metadata address', async () => {
    const http = adapter({}, 'http://169.254.169.254')
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('is never called'),
    })
    await expect(http.start()).rejects.toThrow('is never called')
  })
})
