import type { ApiClient, Client } from '@unwind/client'
import type { LoadedContract } from '@unwind/sidecar'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { LaunchDarklyServer } from '../../support/flag-servers/launchdarkly.js'
import { OfrepServer } from '../../support/flag-servers/ofrep.js'
import { loaded, Site } from '../../support/site.js'
import { UnwindProcesses } from '../../support/unwind-process.js'

const BEFORE = { on: false, fallthrough: { variation: 1 } }
const AFTER = { on: true, fallthrough: { variation: 0 } }

describe('a sidecar in the middle of turning a flag off in stages', () => {
  let site: Site
  let store: LaunchDarklyServer
  let ofrep: OfrepServer
  let processes: UnwindProcesses
  let client: Client
  let api: ApiClient

  beforeAll(async () => {
    site = await Site.open(['slow-flags', 'quick-flags', 'paused-flags'])
    store = await LaunchDarklyServer.start()
    site.world.onClose(() => store.stop())
    ofrep = await OfrepServer.start((flag, { targetingKey }) => ({
      value: store.evaluate(flag, targetingKey ?? ''),
    }))
    site.world.onClose(() => ofrep.stop())
    processes = new UnwindProcesses(site, 1_500)
    api = (await site.coordinator({ api: { port: 0 } })).api
    client = await site.client('shop')
  })
  afterAll(() => site?.close())

  function contract(system: string, bake: string): LoadedContract {
    return loaded({
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'growth', contact: 'growth@example.com' },
      success: 'every flag gives people what it gave them before',
      deadline: '30m',
      adapter: {
        kind: 'flags',
        provider: 'launchdarkly',
        project: 'shop',
        environment: 'production',
        api: { baseUrl: store.url, headers: { Authorization: store.token } },
        ofrep: { baseUrl: ofrep.url },
      },
      actions: {
        'flag.turned-on': {
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          undo: { staging: { stages: [50, 10], bake, variant: 0, otherwise: 1 } },
          probe: { contexts: [{ context: { targetingKey: 'anna' }, value: false }], within: '200ms' },
        },
      },
    })
  }

  async function turnOn(system: string, flag: string): Promise<string> {
    const correlationId = site.order()
    store.add(flag, structuredClone(BEFORE))
    store.change(flag, structuredClone(AFTER))
    const data = { flag, before: JSON.stringify(BEFORE), after: JSON.stringify(AFTER) }
    await client.record({ correlationId, system, action: 'flag.turned-on', data })
    await site.recorded(correlationId, 1)
    return correlationId
  }

  /** Per cent of people with the feature after each write that the store took; null: nobody, it is off. */
  const path = (flag: string) =>
    store.audit
      .filter(entry => entry.spec.endsWith(`:flag/${flag}`))
      .map(({ comment }) => /→ (\S+)/.exec(comment)?.[1])

  it.concurrent('and killed there: the next process goes on at the stage that it finds, and nobody gets the feature back', async () => {
    const system = 'quick-flags'
    const correlationId = await turnOn(system, 'checkout')
    const doomed = processes.sidecar(contract(system, '50ms'), 'flags.stage-reached=kill@2')
    await doomed.said('sidecar is following the ledger')
    const { rollbackId } = await client.propose({ correlationId, reason: 'it failed half-way' })
    expect(await doomed.ended).toBe('SIGKILL')
    expect(path('checkout')).toEqual(['50', '10'])

    processes.sidecar(contract(system, '50ms'))
    const end = await site.closed(rollbackId, 60_000)
    expect(end, site.story(rollbackId).join(' ')).toMatchObject({
      endState: 'RESTORED_VERIFIED',
      remaining: [],
    })
    expect(path('checkout')).toEqual(['50', '10', 'restored'])
    expect(store.environmentOf('checkout')).toMatchObject(BEFORE)
  }, 120_000)

  it.concurrent('and aborted by a person: the step parks with what was reached, and the rollback is not green', async () => {
    const system = 'slow-flags'
    const correlationId = await turnOn(system, 'banner')
    const sidecar = processes.sidecar(contract(system, '5m'))
    await sidecar.said('sidecar is following the ledger')
    const { rollbackId } = await client.propose({ correlationId, reason: 'it failed half-way' })
    await vi.waitFor(() => expect(path('banner')).toEqual(['50']), { timeout: 20_000 })
    await api.command(rollbackId, { command: 'abort', actor: 'user:ana', reason: 'half of them may keep it' })
    const parked = await site.nth(rollbackId, 'StepParked', 1)
    expect(parked.data).toMatchObject({
      system,
      code: 'contract',
      message: 'the rollback was aborted; the staging stops here; reached: banner at 50 %',
    })
    expect(await site.closed(rollbackId)).toMatchObject({ endState: 'ABANDONED', restored: 0 })
    expect(path('banner')).toEqual(['50'])
  }, 60_000)

  it.concurrent('and paused by a person: it stops at the stage reached, and goes on from there after resume', async () => {
    const system = 'paused-flags'
    const correlationId = await turnOn(system, 'tooltip')
    const sidecar = processes.sidecar(contract(system, '2s'))
    await sidecar.said('sidecar is following the ledger')
    const { rollbackId } = await client.propose({ correlationId, reason: 'it failed half-way' })
    await vi.waitFor(() => expect(path('tooltip')).toEqual(['50']), { timeout: 20_000 })
    const about = { actor: 'user:ana', reason: 'looking at the numbers' }
    await api.command(rollbackId, { command: 'pause', ...about })
    const stopped = await site.nth(rollbackId, 'CompensationFailed', 1)
    expect(stopped.data).toMatchObject({
      code: 'transient',
      message: 'the rollback was paused; reached: tooltip at 50 %',
    })
    await api.command(rollbackId, { command: 'resume', ...about })
    expect(await site.closed(rollbackId, 60_000)).toMatchObject({
      endState: 'RESTORED_VERIFIED',
      remaining: [],
    })
    expect(path('tooltip')).toEqual(['50', '10', 'restored'])
  }, 90_000)
})
