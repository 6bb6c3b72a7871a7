import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Call, Reply } from '../../support/flag-servers/json-server.js'
import { JsonServer } from '../../support/flag-servers/json-server.js'
import type { LaunchDarklyServer } from '../../support/flag-servers/launchdarkly.js'
import { Closers, launchDarkly, open, type Parts, type Store, workOn } from './harness.js'

const BEFORE = { on: false, fallthrough: { variation: 1 } }
const AFTER = { on: true, fallthrough: { variation: 0 } }
const STEP = [{ before: BEFORE, after: AFTER }]
const STAGES = { stages: [50, 10, 0], bake: '20ms', variant: 0, otherwise: 1 }

/** Says how the shop does. */
class Monitor extends JsonServer {
  status = 'ok'

  static async start(): Promise<Monitor> {
    const monitor = new Monitor()
    await monitor.listen()
    return monitor
  }

  protected serve(_: Call): Reply {
    return { status: 200, body: { status: this.status } }
  }
}

const closers = new Closers()
let store: Store<LaunchDarklyServer>
let monitor: Monitor

beforeEach(async () => {
  store = await launchDarkly(closers)
  store.server.add('checkout', structuredClone(AFTER))
  monitor = await Monitor.start()
  closers.add(() => monitor.stop())
})
afterEach(() => closers.close())

const staged = (staging: object = {}, parts: Parts = {}) =>
  store.adapter({ ...parts, action: { undo: { staging: { ...STAGES, ...staging } }, ...parts.action } })
const health = { path: '/health', expect: { '/status': 'ok' }, within: '60ms', every: '10ms' }
const watched = (staging: object = {}, parts: Parts = {}) =>
  staged({ health, ...staging }, { ...parts, adapter: { monitor: { baseUrl: monitor.url } } })

/** Per cent of people with the feature, after each write that LaunchDarkly took. */
const path = () =>
  store.server.writes
    .filter(call => call.method === 'PATCH')
    .map(({ body }) => {
      const { patch } = body as { patch: { path: string; value: unknown }[] }
      const fallthrough = patch.find(each => each.path.endsWith('/fallthrough'))?.value as
        | { variation?: number; rollout?: { variations: { variation: number; weight: number }[] } }
        | undefined
      const share = fallthrough?.rollout?.variations.find(each => each.variation === 0)?.weight
      return share === undefined ? 'restored' : share / 1_000
    })

describe('a flag that is turned off in stages', () => {
  it('goes 100 → 50 → 10 → 0 → as it was, resting on each', async () => {
    const rests: number[] = []
    let last = performance.now()
    const adapter = staged(
      { bake: '40ms' },
      {
        async failpoint(name) {
          if (name !== 'flags.before-write') return
          rests.push(performance.now() - last)
          last = performance.now()
        },
      },
    )
    const lines: string[] = []
    const result = await adapter.undo(workOn(STEP, { progress: line => lines.push(line) }), open)
    expect(result).toMatchObject({ kind: 'applied', before: false, items: 1 })
    expect(path()).toEqual([50, 10, 0, 'restored'])
    expect(lines).toEqual(['checkout → 50 %', 'checkout → 10 %', 'checkout → 0 %', 'checkout → restored'])
    for (const rest of rests.slice(1)) expect(rest).toBeGreaterThanOrEqual(39)
    expect(store.server.environmentOf('checkout')).toMatchObject(BEFORE)
    expect(await adapter.probe(workOn(STEP), open)).toMatchObject({ restored: 1, expected: 1 })
  })

  it('leaves out stages that would show it to more people than now', async () => {
    const rollout = {
      variations: [
        { variation: 0, weight: 20_000 },
        { variation: 1, weight: 80_000 },
      ],
    }
    store.server.change('checkout', { fallthrough: { rollout } })
    const step = [{ before: BEFORE, after: { on: true, fallthrough: { rollout } } }]
    expect(await staged().undo(workOn(step), open)).toMatchObject({ kind: 'applied' })
    expect(path()).toEqual([10, 0, 'restored'])
  })

  it('stops where health does not agree, says what was reached, and a retry goes on from there', async () => {
    const adapter = watched()
    store.server.disturb = ({ body }) => {
      if (JSON.stringify(body ?? '').includes('10000')) monitor.status = 'losing orders'
      return null
    }
    expect(await adapter.undo(workOn(STEP), open)).toEqual({
      kind: 'failed',
      code: 'contract',
      message:
        'the health probe does not agree: GET /health has "losing orders" at /status, expected "ok"; the staging stops here; reached: checkout at 10 %',
      hint: expect.stringContaining('A retry goes on from the stage reached'),
    })
    expect(path()).toEqual([50, 10])
    expect(await adapter.probe(workOn(STEP), open)).toMatchObject({ restored: 0, kept: 0 })
    store.server.disturb = () => null
    monitor.status = 'ok'
    expect(await adapter.undo(workOn(STEP), open)).toMatchObject({ kind: 'applied', before: false })
    expect(path()).toEqual([50, 10, 0, 'restored'])
  })

  it('one bad answer of the health probe is asked again', async () => {
    let bad = 1
    monitor.disturb = () => (bad-- > 0 ? { kind: 'answer', reply: { status: 500 } } : null)
    expect(await watched().undo(workOn(STEP), open)).toMatchObject({ kind: 'applied' })
  })

  it.each([
    ['abort', 'contract', 'the rollback was aborted; the staging stops here; reached: checkout at 50 %'],
    ['pause', 'transient', 'the rollback was paused; reached: checkout at 50 %'],
  ])('stops at once on %s, with what was reached', async (reason, code, message) => {
    const halt = new AbortController()
    const adapter = staged(
      { bake: '2m' },
      {
        async failpoint(name) {
          if (name === 'flags.stage-reached') setTimeout(() => halt.abort(reason), 20)
        },
      },
    )
    const work = workOn(STEP, { halt: halt.signal })
    expect(await adapter.undo(work, open)).toMatchObject({ kind: 'failed', code, message })
    expect(path()).toEqual([50])
  })

  it('taken over by another process goes on at the stage that the target shows, after a rest', async () => {
    const dead = new AbortController()
    const first = staged(
      {},
      {
        async failpoint(name) {
          if (name === 'flags.stage-reached' && path().length === 2) dead.abort()
        },
      },
    )
    expect(await first.undo(workOn(STEP), dead.signal)).toMatchObject({ kind: 'failed', code: 'transient' })
    let rested = 0
    const second = staged(
      {},
      {
        async failpoint(name) {
          if (name === 'flags.stage-reached') rested++
        },
      },
    )
    expect(await second.undo(workOn(STEP), open)).toMatchObject({ kind: 'applied' })
    expect(path()).toEqual([50, 10, 0, 'restored'])
    expect(rested).toBe(2)
  })

  it('changed by somebody else on the way down: not overwritten, and what was reached is said', async () => {
    const adapter = staged(
      {},
      {
        async failpoint(name) {
          if (name === 'flags.stage-reached')
            store.server.change('checkout', {
              fallthrough: { rollout: { variations: [{ variation: 0, weight: 100_000 }] } },
            })
        },
      },
    )
    const result = await adapter.undo(workOn(STEP), open)
    expect(result).toMatchObject({
      kind: 'failed',
      code: 'conflict',
      message:
        'checkout.fallthrough was changed by somebody else on the way down; reached: checkout changed by somebody else',
    })
    expect(path()).toEqual([50])
  })

  it('at a stage that this step has not written is newer data, not ours', async () => {
    const rollout = {
      variations: [
        { variation: 0, weight: 50_000 },
        { variation: 1, weight: 50_000 },
      ],
    }
    store.server.change('checkout', { fallthrough: { rollout } })
    expect(await staged().undo(workOn(STEP), open)).toMatchObject({
      kind: 'conflict',
      differences: [{ item: 'checkout', field: 'fallthrough' }],
    })
    expect(path()).toEqual([])
  })

  it('is restored at once where a named actor forces it', async () => {
    expect(await staged().undo(workOn(STEP, { resolution: 'force' }), open)).toMatchObject({
      kind: 'applied',
    })
    expect(path()).toEqual(['restored'])
  })

  it('goes down together with the other flags of its step, with one rest a stage', async () => {
    store.server.add('banner', structuredClone(AFTER))
    let rests = 0
    const adapter = staged(
      {},
      {
        async failpoint(name) {
          if (name === 'flags.stage-reached') rests++
        },
      },
    )
    const both = [...STEP, { flag: 'banner', before: BEFORE, after: AFTER }]
    expect(await adapter.undo(workOn(both), open)).toMatchObject({ kind: 'applied', items: 2 })
    expect(path()).toEqual([50, 50, 10, 10, 0, 0, 'restored', 'restored'])
    expect(rests).toBe(3)
  })

  it('a store that acknowledges and does not change is given up, not asked for ever', async () => {
    store.server.disturb = ({ method }) =>
      method === 'PATCH' ? { kind: 'lie', reply: { status: 200, body: {} } } : null
    expect(await staged().undo(workOn(STEP), open)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('did not take the change, in 5 tries'),
    })
  })
})
