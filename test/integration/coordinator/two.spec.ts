import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, Scene } from './harness.js'

describe('two coordinators that both think that the ledger is theirs', () => {
  let scene: Scene
  const orders = 20

  beforeAll(async () => {
    scene = await Scene.open(['orders'])
    // Keys first: who starts earlier must trust who starts later.
    for (const name of ['coordinator:one', 'coordinator:two']) scene.addKey(name, ['coordinator'])
    await scene.publish(contractOf('orders'))
    await scene.coordinator('coordinator:one', { group: `${scene.prefix}.one` })
    await scene.coordinator('coordinator:two', {
      group: `${scene.prefix}.two`,
      view: { url: scene.redisUrl, prefix: `${scene.prefix}-two` },
    })
  })
  afterAll(() => scene.world.close())

  it('give each rollback one request, one plan and one end', async () => {
    const proposals = await Promise.all(
      Array.from({ length: orders }, async () => {
        const order = scene.order()
        await scene.record(order, 'orders')
        return { order, rollbackId: await scene.propose(order) }
      }),
    )
    for (const { order, rollbackId } of proposals) {
      await scene.first(rollbackId, 'RollbackRequested')
      await scene.completed(rollbackId, order, 'orders')
    }
    for (const { rollbackId } of proposals) await scene.first(rollbackId, 'RollbackClosed')
    for (const { rollbackId } of proposals) {
      const events = scene.world.of(rollbackId)
      const ids = (type: string) => new Set(events.filter(e => e.type === type).map(e => e.data.eventId))
      expect([...ids('RollbackRequested')]).toEqual([`${rollbackId}/requested/r1`])
      expect([...ids('RollbackClosed')]).toEqual([`${rollbackId}/closed/r1`])
      expect(ids('EscalationRaised').size).toBe(0)
    }
  })
})
