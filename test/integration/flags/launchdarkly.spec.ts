import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LaunchDarklyServer } from '../../support/flag-servers/launchdarkly.js'
import { Closers, launchDarkly, open, type Store, workOn } from './harness.js'

const BEFORE = { on: false, fallthrough: { variation: 1 } }
const AFTER = { on: true, fallthrough: { variation: 0 } }
const STEP = [{ before: BEFORE, after: AFTER }]

const closers = new Closers()
let store: Store<LaunchDarklyServer>

beforeEach(async () => {
  store = await launchDarkly(closers)
  store.server.add('checkout', structuredClone(AFTER))
})
afterEach(() => closers.close())

const patches = () => store.server.writes.map(call => call.body)

describe('a flag in LaunchDarkly', () => {
  it('is restored to exactly the recorded state by one patch that names the version it is based on', async () => {
    const adapter = store.adapter()
    await adapter.start()
    expect(await adapter.undo(workOn(STEP), open)).toEqual({
      kind: 'applied',
      before: false,
      items: 1,
      fromDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      notes: [
        'checkout → restored',
        'state before it: the audit log of LaunchDarkly, project shop, environment production',
      ],
    })
    expect(patches()).toEqual([
      {
        patch: [
          { op: 'test', path: '/environments/production/version', value: 1 },
          { op: 'replace', path: '/environments/production/fallthrough', value: { variation: 1 } },
          { op: 'replace', path: '/environments/production/on', value: false },
        ],
        comment: 'rollback rb-1, step flags: checkout → restored [unwind rb-1/flags]',
      },
    ])
    expect(store.server.audit[0]?.previousVersion).toMatchObject(AFTER)
    expect(await adapter.probe(workOn(STEP), open)).toMatchObject({
      kind: 'seen',
      restored: 1,
      expected: 1,
      how: 'evaluated checkout in 1 context (OFREP), and read the state from launchdarkly',
    })
  })

  it('keeps what others changed in fields that the action did not touch', async () => {
    store.server.change('checkout', { offVariation: 0, rules: [{ _id: 'r1', variation: 0, clauses: [] }] })
    const probe = { contexts: [{ context: { targetingKey: 'anna' }, value: true }], within: '300ms' }
    const adapter = store.adapter({ action: { probe } })
    expect(await adapter.undo(workOn(STEP), open)).toMatchObject({ kind: 'applied', before: false })
    expect(store.server.environmentOf('checkout')).toMatchObject({
      ...BEFORE,
      offVariation: 0,
      rules: [{ _id: 'r1' }],
    })
  })

  it('changed between the read and the write is read again: a change elsewhere is no conflict', async () => {
    let first = true
    store.server.disturb = ({ method }) => {
      if (method !== 'PATCH' || !first) return null
      first = false
      return { kind: 'meanwhile', act: () => store.server.change('checkout', { offVariation: 0 }) }
    }
    expect(await store.adapter().undo(workOn(STEP), open)).toMatchObject({ kind: 'applied' })
    expect(patches()).toHaveLength(2)
    expect(store.server.environmentOf('checkout')).toMatchObject({ ...BEFORE, offVariation: 0 })
    expect(store.server.audit).toHaveLength(1)
  })

  it('changed between the read and the write in a field of the action is a conflict, and not overwritten', async () => {
    store.server.disturb = ({ method }) =>
      method === 'PATCH'
        ? { kind: 'meanwhile', act: () => store.server.change('checkout', { fallthrough: { variation: 1 } }) }
        : null
    expect(await store.adapter().undo(workOn(STEP), open)).toEqual({
      kind: 'conflict',
      differences: [
        {
          item: 'checkout',
          field: 'fallthrough',
          before: '{"variation":1}',
          after: '{"variation":0}',
          current: '{"variation":1}',
        },
      ],
    })
    expect(store.server.audit).toEqual([])
  })

  it('waits as long as the rate limit says', async () => {
    const reset = Date.now() + 7_000
    store.server.disturb = ({ method }) =>
      method === 'PATCH'
        ? { kind: 'answer', reply: { status: 429, headers: { 'x-ratelimit-reset': String(reset) } } }
        : null
    const result = await store.adapter().undo(workOn(STEP), open)
    expect(result).toMatchObject({ kind: 'failed', code: 'transient' })
    const wait = result.kind === 'failed' ? (result.retryAfterMs ?? 0) : 0
    expect(wait).toBeGreaterThan(4_000)
    expect(wait).toBeLessThanOrEqual(7_000)
  })

  it('that was deleted since is said, with what to do', async () => {
    store.server.flags.clear()
    expect(await store.adapter().undo(workOn(STEP), open)).toEqual({
      kind: 'failed',
      code: 'contract',
      message: 'flag checkout is not in project shop, environment production',
      hint: 'See whether it was deleted or renamed since; then restore it, or resolve the step by hand.',
    })
  })

  it('several actions on it are one way back, from what the last left to what the first found', async () => {
    const middle = { on: true, fallthrough: { variation: 1 } }
    const steps = [
      { before: BEFORE, after: middle },
      { before: { fallthrough: { variation: 1 } }, after: { fallthrough: { variation: 0 } } },
    ]
    const adapter = store.adapter()
    expect(await adapter.undo(workOn(steps), open)).toMatchObject({ kind: 'applied', items: 1 })
    expect(store.server.environmentOf('checkout')).toMatchObject(BEFORE)
    expect(patches()).toHaveLength(1)
  })

  it('that somebody changed between two of our actions is a conflict', async () => {
    const steps = [
      { before: BEFORE, after: { on: true, fallthrough: { variation: 1 } } },
      { before: { fallthrough: { variation: 7 } }, after: { fallthrough: { variation: 0 } } },
    ]
    expect(await store.adapter().undo(workOn(steps), open)).toEqual({
      kind: 'conflict',
      differences: [
        {
          item: 'checkout',
          field: 'fallthrough',
          before: '{"variation":1}',
          after: '{"variation":1}',
          current: '{"variation":7}',
        },
      ],
    })
  })
})

describe('the recorded state', () => {
  it('can be its JSON text, as services record it, or be put together from identifiers by the contract', async () => {
    const text = [{ before: JSON.stringify(BEFORE), after: JSON.stringify(AFTER) }]
    expect(await store.adapter().undo(workOn(text), open)).toMatchObject({ kind: 'applied', before: false })
    store.server.change('checkout', structuredClone(AFTER))
    const undo = {
      previous: { on: false, fallthrough: { variation: '{before}' } },
      left: { on: true, fallthrough: { variation: '{after}' } },
    }
    const composed = store.adapter({ action: { undo } })
    expect(await composed.undo(workOn([{ before: 1, after: 0 }]), open)).toMatchObject({
      kind: 'applied',
      before: false,
    })
    expect(store.server.environmentOf('checkout')).toMatchObject(BEFORE)
  })

  it('that is none is refused before anything is touched', async () => {
    expect(await store.adapter().undo(workOn([{ before: 'off', after: '{}' }]), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message:
        'flags, action flag.turned-on (flags:0): undo.previous is not the state of a flag: expected an object of its fields, or its JSON text; no flag was touched',
    })
    expect(patches()).toEqual([])
  })
})

describe('the evaluation', () => {
  it('overrules a store that says restored: people still get the feature', async () => {
    const adapter = store.adapter()
    await adapter.undo(workOn(STEP), open)
    store.ofrep.disturb = () => ({
      kind: 'answer',
      reply: { status: 200, body: { value: true, variant: 'on' } },
    })
    expect(await adapter.probe(workOn(STEP), open)).toMatchObject({
      kind: 'seen',
      restored: 0,
      expected: 1,
      kept: 0,
      differences: [
        { item: 'checkout in context 1', field: 'value', before: 'false', after: null, current: 'true' },
      ],
    })
  })

  it('is waited for: flags reach their evaluators late', async () => {
    const adapter = store.adapter()
    await adapter.undo(workOn(STEP), open)
    let stale = 2
    store.ofrep.disturb = () =>
      stale-- > 0 ? { kind: 'answer', reply: { status: 200, body: { value: true } } } : null
    expect(await adapter.probe(workOn(STEP), open)).toMatchObject({ restored: 1, expected: 1 })
  })

  it('that cannot be had is no proof', async () => {
    const adapter = store.adapter()
    await adapter.undo(workOn(STEP), open)
    store.ofrep.disturb = () => ({ kind: 'answer', reply: { status: 503 } })
    expect(await adapter.probe(workOn(STEP), open)).toMatchObject({ kind: 'failed', code: 'transient' })
  })
})

describe('at start', () => {
  it.each([
    [
      { environment: 'staging' },
      /adapter\.environment: LaunchDarkly has no environment staging in project shop/,
    ],
    [{ api: { baseUrl: 'http://127.0.0.1:9' } }, /adapter\.api: .*ECONNREFUSED/],
  ])('%o is refused with what to do', async (adapter, message) => {
    await expect(store.adapter({ adapter }).start()).rejects.toThrow(message)
  })

  it('wrong credentials are refused with what to do', async () => {
    const api = { baseUrl: store.server.url, headers: { Authorization: 'old' } }
    await expect(store.adapter({ adapter: { api } }).start()).rejects.toThrow(
      /adapter\.api: .* answered 401: the target does not take the credentials of this sidecar/,
    )
  })
})
