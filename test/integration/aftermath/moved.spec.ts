import { eventIds } from '@unwind/contracts'
import { foldAftermath } from '@unwind/core'
import type { StepWork } from '@unwind/sidecar'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MemoryTarget } from '../../support/memory-target.js'
import { loaded, postgresContract, Site } from '../../support/site.js'

/** Its probes take until they are let go, or until they are given up. */
class SlowProbes extends MemoryTarget {
  held = 0
  hold = false

  override async probe(work: StepWork, signal?: AbortSignal) {
    if (this.hold) {
      this.held++
      await new Promise(resolve => signal?.addEventListener('abort', resolve, { once: true }))
    }
    return super.probe(work)
  }
}

const contract = loaded({
  ...postgresContract('mails', '', {}),
  adapter: { kind: 'memory' },
  actions: { 'mail.sent': {} },
})

let site: Site
beforeAll(async () => {
  site = await Site.open(['mails'], 2)
})
afterAll(() => site?.close())

it('requests that a sidecar took and did not answer are answered once each by the one that has its partitions next', async () => {
  const { api } = await site.coordinator()
  const client = await site.client('shop')
  const target = new SlowProbes()
  const first = await site.sidecar(contract, { memory: () => target })
  const rollbacks = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const order = site.order()
      await client.record({ correlationId: order, system: 'mails', action: 'mail.sent', data: { order } })
      await site.recorded(order, 1)
      const { rollbackId } = await client.propose({ correlationId: order, reason: 'half-way' })
      await site.closed(rollbackId)
      return rollbackId
    }),
  )
  const ask = async (rollbackId: string, name: string) => {
    const asked = await api.reconcile(rollbackId, { name })
    // The same name is the same request.
    expect(await api.reconcile(rollbackId, { name })).toEqual(asked)
    return asked.requestId
  }
  const before = await Promise.all(rollbacks.slice(0, 4).map(each => ask(each, 'before')))
  await answered(before)
  target.hold = true
  const during = await Promise.all(rollbacks.slice(4).map(each => ask(each, 'during')))
  await expect.poll(() => target.held, { timeout: 15_000 }).toBeGreaterThan(0)
  const second = new MemoryTarget()
  for (const key of target.effects.keys()) await second.undo({ key, actions: [] } as unknown as StepWork)
  await first.stop()
  await site.sidecar(contract, { memory: () => second })
  await answered(during)
  for (const [i, rollbackId] of rollbacks.entries()) {
    const { reconciliations, anomalies } = foldAftermath(site.world.of(rollbackId))
    expect(reconciliations.map(row => row.requestId)).toEqual([[...before, ...during][i]])
    expect(reconciliations[0]!.answers).toMatchObject([
      { system: 'mails', restored: 1, expected: 1, unread: [] },
    ])
    expect(anomalies).toEqual([])
  }
  // What was answered by the first is not probed again by the second.
  expect(second.calls.filter(call => call.startsWith('probe')).sort()).toEqual(
    rollbacks
      .slice(4)
      .map(rollbackId => `probe ${rollbackId}/mails`)
      .sort(),
  )
}, 60_000)

async function answered(requests: readonly string[]): Promise<void> {
  for (const request of requests) await site.world.event(eventIds.reconciled(request, 'mails'), 30_000)
}

it('a look that falls into the change from one coordinator to the next is made once', async () => {
  const site = await Site.open(['mails'], 2)
  try {
    const aftermath = { probeAfterMs: [500, 3_000], watchMs: 0 }
    const { service } = await site.coordinator({ aftermath })
    const client = await site.client('shop')
    const target = new MemoryTarget()
    await site.sidecar(contract, { memory: () => target })
    const order = site.order()
    await client.record({ correlationId: order, system: 'mails', action: 'mail.sent', data: { order } })
    await site.recorded(order, 1)
    const { rollbackId } = await client.propose({ correlationId: order, reason: 'half-way' })
    await site.closed(rollbackId)
    await site.world.event(`${rollbackId}/reconcile/r1/after-0.5s/mails`)
    await service.stop()
    await site.coordinator({ aftermath })
    await site.world.event(`${rollbackId}/reconcile/r1/after-3s/mails`)
    expect(site.story(rollbackId).filter(id => id.startsWith('reconcile/'))).toEqual([
      'reconcile/r1/after-0.5s',
      'reconcile/r1/after-0.5s/mails',
      'reconcile/r1/after-3s',
      'reconcile/r1/after-3s/mails',
    ])
  } finally {
    await site.close()
  }
}, 60_000)
