import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Adapter } from '../../../packages/sidecar/src/adapter/port.js'
import { ConfigService } from './config-service.js'
import { adapterFor, open, workOn } from './harness.js'

const V1 = { limits: { cart: 50, rate: 0.5 }, banner: null }
const V2 = { limits: { cart: 20, rate: 0.25 }, banner: null }
const CHANGE = { name: 'checkout', from: 1, to: 2 }

let service: ConfigService
let url: string
const adapters: Adapter[] = []
const adapter = (undo: object = {}, action: object = {}) => {
  const made = adapterFor({
    adapter: { store: 'http', baseUrl: url },
    undo: {
      at: '/config/{name}',
      previous: { at: '/config/{name}/versions/{from}' },
      left: { at: '/config/{name}/versions/{to}' },
      document: '/value',
      write: { body: { value: '{unwind.document}' } },
      ...undo,
    },
    action,
  })
  adapters.push(made)
  return made
}

beforeEach(async () => {
  service = new ConfigService()
  url = await service.start()
  service.put('checkout', V1)
  service.put('checkout', V2)
})
afterEach(async () => {
  await Promise.all(adapters.splice(0).map(each => each.stop()))
  await service.stop()
})

describe('a document of a configuration service', () => {
  it('is put back to its previous version, under a precondition and a key, and is read back', async () => {
    const config = adapter()
    await config.start()
    expect(config.features.atomicEffect).toBe(false)
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(await config.undo(workOn([CHANGE], { traceparent }), open)).toMatchObject({
      kind: 'applied',
      items: 1,
    })
    expect(service.now('checkout')).toEqual(V1)
    expect(service.writes).toEqual([
      {
        method: 'PUT',
        path: '/config/checkout',
        headers: expect.objectContaining({
          'if-match': '"v2"',
          'idempotency-key': '"rb-1/shop-config//config/checkout"',
          traceparent,
        }),
      },
    ])
    expect(await config.probe(workOn([CHANGE]), open)).toMatchObject({
      restored: 2,
      expected: 2,
      how: 'GET /config/checkout',
    })
  })

  it.each([2, 10])('that is put back %i times is written once', async times => {
    for (let i = 0; i < times; i++)
      expect(await adapter().undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'applied' })
    expect(service.writes).toHaveLength(1)
  })

  it('that the action created is deleted', async () => {
    const data = { name: 'sale', from: null, to: service.put('sale', { on: true }) }
    const config = adapter()
    expect(await config.undo(workOn([data]), open)).toMatchObject({ kind: 'applied' })
    expect(service.writes.map(({ method, path }) => `${method} ${path}`)).toEqual(['DELETE /config/sale'])
    expect(await config.probe(workOn([data]), open)).toMatchObject({ restored: 1, expected: 1 })
  })

  const difference = {
    item: '/config/checkout',
    field: '/limits/cart',
    before: '50',
    after: '20',
    current: '99',
  }
  const change = () => void service.put('checkout', { ...V2, limits: { ...V2.limits, cart: 99 } })

  it('that somebody changed since is a conflict, key by key', async () => {
    change()
    expect(await adapter().undo(workOn([CHANGE]), open)).toEqual({
      kind: 'conflict',
      differences: [difference],
    })
    expect(service.writes).toEqual([])
  })

  it.each([
    ['keep', { cart: 99, rate: 0.25 }, { restored: 0, expected: 2, kept: 2 }],
    ['force', { cart: 50, rate: 0.5 }, { restored: 2, expected: 2, kept: 0 }],
    ['merge', { cart: 99, rate: 0.5 }, { restored: 1, expected: 2, kept: 1 }],
  ] as const)(
    'that somebody changed since is treated as a named actor chose: %s',
    async (resolution, limits, seen) => {
      change()
      const config = adapter()
      const work = workOn([CHANGE], { resolution })
      expect(await config.undo(work, open)).toMatchObject({ kind: 'applied' })
      expect(service.now('checkout')).toEqual({ limits, banner: null })
      expect(await config.probe(work, open)).toMatchObject(seen)
    },
  )

  it('that somebody changes between the read and the write is caught by If-Match (I6)', async () => {
    service.faults.push({ meanwhile: change })
    expect(await adapter().undo(workOn([CHANGE]), open)).toEqual({
      kind: 'conflict',
      differences: [difference],
    })
    expect(service.now('checkout')).toMatchObject({ limits: { cart: 99 } })
  })

  it.each([
    ['cut-before-effect', 'unknown', V2],
    ['cut-after-effect', 'unknown', V1],
    ['hang', 'timeout', V2],
  ] as const)('whose write ends in %s is %s, and the next try has one effect', async (fault, code, state) => {
    service.faults.push(fault)
    const config = adapter({}, { timeout: '1500ms' })
    expect(await config.undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'failed', code })
    expect(service.now('checkout')).toEqual(state)
    expect(await config.undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'applied' })
    expect(service.documents.get('checkout')).toEqual([V1, V2, V1])
  })

  it('whose write is acknowledged and not done is seen by the probe (I3)', async () => {
    service.faults.push('lie')
    const config = adapter()
    expect(await config.undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'applied' })
    expect(await config.probe(workOn([CHANGE]), open)).toMatchObject({ restored: 0, expected: 2, kept: 0 })
  })

  it('of a service that is not there, or refuses, is told apart', async () => {
    service.faults.push({ status: 503 }, { status: 403 })
    expect(await adapter().undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'failed', code: 'transient' })
    expect(await adapter().undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'failed', code: 'contract' })
    expect(await adapter().undo(workOn([{ ...CHANGE, from: 7 }]), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('/config/checkout/versions/7 (undo.previous) does not exist'),
    })
    await service.stop()
    await expect(adapter().start()).rejects.toThrow(/adapter\.baseUrl: .*ECONNREFUSED/)
  })
})
