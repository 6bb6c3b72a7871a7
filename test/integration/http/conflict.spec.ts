import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Adapter } from '../../../packages/sidecar/src/adapter/port.js'
import { FaultyPayments } from './faulty-payments.js'
import { adapterFor, type ContractParts, open, workOn } from './harness.js'

let target: FaultyPayments
let url: string
const adapters: Adapter[] = []
const adapter = (parts?: ContractParts) => {
  const made = adapterFor(url, parts)
  adapters.push(made)
  return made
}
const LEFT = { undo: { expect: { '/status': 'captured', '/note': '' } } }
const change = (id: string, fields: object) => {
  const payment = target.payments.get(id)
  if (payment) Object.assign(payment, fields, { version: payment.version + 1 })
}

beforeEach(async () => {
  target = new FaultyPayments()
  url = await target.start()
  target.add('p1')
  target.add('p2')
})
afterEach(async () => {
  await Promise.all(adapters.splice(0).map(each => each.stop()))
  await target.stop()
})

describe('newer data than the action left', () => {
  const difference = { item: 'payments/p2', field: '/note', before: null, after: '""', current: '"gift"' }

  it('is a conflict with the diff, and no item of the step is touched', async () => {
    change('p2', { note: 'gift' })
    expect(await adapter(LEFT).undo(workOn(['p1', 'p2']), open)).toEqual({
      kind: 'conflict',
      differences: [difference],
    })
    expect(target.sent('POST')).toBe(0)
  })

  it('is seen beforehand', async () => {
    change('p2', { note: 'gift' })
    expect(await adapter(LEFT).preview(workOn(['p1', 'p2']), open)).toEqual({
      items: 2,
      conflicts: [difference],
      problems: [],
    })
    expect(target.sent('POST')).toBe(0)
  })

  it('is kept where that was chosen, and said to be kept', async () => {
    change('p2', { note: 'gift' })
    const http = adapter(LEFT)
    const work = workOn(['p1', 'p2'], { resolution: 'keep' })
    expect(await http.undo(work, open)).toMatchObject({
      kind: 'applied',
      items: 2,
      notes: ['payments/p2: kept, newer than the action'],
    })
    expect(await http.probe(work, open)).toMatchObject({ kind: 'seen', restored: 1, expected: 2, kept: 1 })
    expect([target.effectsOf('p1'), target.effectsOf('p2')]).toEqual([1, 0])
  })

  it('is overwritten where a named actor forces it', async () => {
    change('p2', { note: 'gift' })
    const http = adapter({ undo: { ...LEFT.undo, ifMatch: 'etag' } })
    expect(await http.undo(workOn(['p1', 'p2'], { resolution: 'force' }), open)).toMatchObject({
      kind: 'applied',
    })
    expect([target.effectsOf('p1'), target.effectsOf('p2')]).toEqual([1, 1])
  })

  it('cannot be merged, and says so', async () => {
    expect(await adapter(LEFT).undo(workOn(['p1'], { resolution: 'merge' }), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      hint: 'Resolve with keep or force, or by hand.',
    })
  })

  it('does not pass for kept when the undo simply did not happen', async () => {
    target.lies = true
    const http = adapter({ ...LEFT, action: { onConflict: 'keep' } })
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'applied' })
    expect(await http.probe(workOn(['p1']), open)).toMatchObject({
      kind: 'seen',
      restored: 0,
      expected: 1,
      kept: 0,
    })
  })
})

describe('a write between the read and the undo', () => {
  it.each([['etag'], ['/version']])('is caught by If-Match from %s', async ifMatch => {
    target.faults.POST.push({ meanwhile: () => change('p1', { note: 'gift' }) })
    const result = await adapter({ undo: { ...LEFT.undo, ifMatch } }).undo(workOn(['p1']), open)
    expect(result).toEqual({
      kind: 'conflict',
      differences: [{ item: 'payments/p1', field: '/note', before: null, after: '""', current: '"gift"' }],
    })
    expect(target.effectsOf('p1')).toBe(0)
  })

  it.each([
    ['etag', '"v1"'],
    ['/version', '"1"'],
  ])('is told from none: If-Match from %s holds', async (ifMatch, sent) => {
    expect(await adapter({ undo: { ...LEFT.undo, ifMatch } }).undo(workOn(['p1']), open)).toMatchObject({
      kind: 'applied',
      before: false,
    })
    expect(target.requests.find(request => request.method === 'POST')?.headers['if-match']).toBe(sent)
  })

  it('after other items were undone does not claim that nothing was changed', async () => {
    target.faults.POST.push(
      { meanwhile: () => undefined },
      { meanwhile: () => change('p2', { note: 'gift' }) },
    )
    expect(
      await adapter({ undo: { ...LEFT.undo, ifMatch: 'etag' } }).undo(workOn(['p1', 'p2']), open),
    ).toMatchObject({
      kind: 'failed',
      code: 'conflict',
      message:
        'payments/p2/note was changed between the read and the undo; 1 of 2 items were undone before; they are not repeated',
    })
  })

  it('by the same undo in another process is not a conflict', async () => {
    target.faults.POST.push({ meanwhile: () => change('p1', { status: 'refunded' }) })
    expect(await adapter({ undo: { ifMatch: 'etag' } }).undo(workOn(['p1']), open)).toMatchObject({
      kind: 'applied',
      before: true,
    })
  })

  it('needs a validator that the target really gives', async () => {
    expect(await adapter({ undo: { ifMatch: '/revision' } }).undo(workOn(['p1']), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: 'GET /payments/p1: undo.ifMatch asks for /revision, and the answer has none',
    })
  })
})

describe('answers that only the state explains', () => {
  it('409: the target will not, so it is a conflict with what the probe sees', async () => {
    change('p1', { status: 'disputed' })
    expect(await adapter().undo(workOn(['p1']), open)).toEqual({
      kind: 'conflict',
      differences: [
        { item: 'payments/p1', field: '/status', before: '"refunded"', after: null, current: '"disputed"' },
      ],
    })
  })

  it('404: a resource that never was is a misfit, not a success', async () => {
    expect(await adapter().undo(workOn(['nobody']), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('answered 404'),
    })
  })

  it('404: a resource that shall be gone is restored', async () => {
    const http = adapter({
      undo: { method: 'DELETE', path: '/payments/{paymentId}' },
      probe: { status: [404], expect: {} },
    })
    target.faults.DELETE.push('cut-after-effect')
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'failed', code: 'unknown' })
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'applied', before: true })
    expect(await http.probe(workOn(['p1']), open)).toMatchObject({ restored: 1, expected: 1 })
    expect(await http.probe(workOn(['p2']), open)).toMatchObject({
      restored: 0,
      differences: [
        { item: 'payments/p2', field: '', before: '"status 404"', after: null, current: '"status 200"' },
      ],
    })
  })
})

describe('the probe', () => {
  it('disagrees with a target that lies', async () => {
    target.lies = true
    const http = adapter()
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({ kind: 'applied' })
    expect(await http.probe(workOn(['p1', 'p2']), open)).toMatchObject({
      kind: 'seen',
      restored: 0,
      expected: 2,
      differences: [
        { item: 'payments/p1', field: '/status', before: '"refunded"', after: null, current: '"captured"' },
        { item: 'payments/p2' },
      ],
      how: 'GET /payments/p1, GET /payments/p2',
    })
  })

  it('reads again while the target lags behind', async () => {
    const http = adapter()
    await http.undo(workOn(['p1']), open)
    target.staleReads = 2
    expect(await http.probe(workOn(['p1']), open)).toMatchObject({ kind: 'seen', restored: 1 })
  })

  it('reads again after an answer that may pass', async () => {
    const http = adapter()
    await http.undo(workOn(['p1']), open)
    target.faults.GET.push({ status: 500 }, 'cut-before-effect')
    expect(await http.probe(workOn(['p1']), open)).toMatchObject({ kind: 'seen', restored: 1 })
  })

  it.each([
    ['huge-body', 'GET /payments/p1: the answer is longer than adapter.maxBody'],
    [
      { status: 403 },
      'GET /payments/p1 answered 403: the target does not take the credentials of this sidecar',
    ],
    ['redirect', 'GET /payments/p1 answered 302 to http://169.254.169.254/; redirects are not followed'],
  ] as const)('cannot see through %j, and says why', async (fault, message) => {
    target.faults.GET.push(fault)
    expect(await adapter().probe(workOn(['p1']), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message,
    })
  })

  it('decides about an undo whose answer is too long to read', async () => {
    target.faults.POST.push('huge-body')
    const http = adapter()
    expect(await http.undo(workOn(['p1']), open)).toMatchObject({
      kind: 'applied',
      notes: ['POST /payments/p1/refunds answered 200 with more than the limit; the rest was not read'],
    })
    expect(await http.probe(workOn(['p1']), open)).toMatchObject({ restored: 1 })
  })
})
