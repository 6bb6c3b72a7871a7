import type { CoordinatorService } from '@unwind/coordinator'
import { DEFAULT_STALL_OPTIONS } from '@unwind/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryTarget } from '../../support/memory-target.js'
import { contractOf, eventually, Scene } from './harness.js'

describe('the watcher', () => {
  let scene: Scene
  let coordinator: CoordinatorService

  beforeAll(async () => {
    scene = await Scene.open(['absent', 'silent', 'parking'])
    for (const system of ['absent', 'silent', 'parking'])
      await scene.publish(contractOf(system, [], { deadline: '1s' }))
    coordinator = await scene.coordinator('coordinator:one', {
      stall: { ...DEFAULT_STALL_OPTIONS, absentAfterMs: 500 },
    })
  })
  afterAll(() => scene.world.close())

  it('says that nobody acts for a system when no sidecar of it is there', async () => {
    const order = scene.order()
    await scene.record(order, 'absent')
    const rollbackId = await scene.propose(order)
    expect((await scene.first(rollbackId, 'EscalationRaised')).data).toMatchObject({
      eventId: `${rollbackId}/escalation/absent/absent/0`,
      kind: 'absent',
      severity: 'critical',
      stepId: 'absent',
      system: 'absent',
      owner: 'absent team (absent@example.com)',
    })
  })

  it('says that a step is not consumed when a sidecar is there and does not read it', async () => {
    const order = scene.order()
    await scene.record(order, 'silent')
    // A member of the sidecar's group that takes no notice of anything.
    const consumer = scene.world.log.consumer({
      groupId: `${scene.world.topics.rollback}.sidecar.silent`,
      topics: [scene.world.topics.rollback],
      handlers: { onRecords() {}, onAssigned() {}, onFatal() {} },
    })
    await consumer.start()
    scene.world.onClose(() => consumer.stop())
    const rollbackId = await scene.propose(order)
    expect((await scene.first(rollbackId, 'EscalationRaised')).data).toMatchObject({
      eventId: `${rollbackId}/escalation/not-consumed/silent/0`,
      kind: 'not-consumed',
      stepId: 'silent',
    })
  })

  it('says that a parked step waits for a person, and takes the acknowledgement', async () => {
    const order = scene.order()
    await scene.record(order, 'parking')
    const target = new MemoryTarget()
    target.undoScript.push({ kind: 'conflict', differences: [] })
    await scene.world.sidecar(
      contractOf('parking', [], { deadline: '1s' }),
      () => () => target,
      scene.key('parking'),
    )
    const rollbackId = await scene.propose(order)
    const alarm = await scene.first(rollbackId, 'EscalationRaised')
    expect(alarm.data).toMatchObject({
      eventId: `${rollbackId}/escalation/waiting-for-person/parking/0`,
      kind: 'waiting-for-person',
      stepId: 'parking',
    })
    const open = async () => {
      const response = await fetch(`${coordinator.apiUrl}/v1/escalations`)
      const { escalations } = (await response.json()) as { escalations: { escalationId: string }[] }
      return escalations.map(e => e.escalationId).filter(id => id.startsWith(rollbackId))
    }
    const { escalationId } = alarm.data
    expect(await eventually('it is listed', open, ids => ids.length === 1)).toEqual([escalationId])
    const taken = await fetch(`${coordinator.apiUrl}/v1/rollbacks/${rollbackId}/acknowledgements`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ escalationId, actor: 'user:ana', reason: 'I look into it' }),
    })
    expect(taken.status).toBe(202)
    expect((await scene.first(rollbackId, 'EscalationAcknowledged')).data).toMatchObject({
      escalationId,
      actor: 'user:ana',
    })
    await eventually('nobody has to take it any more', open, ids => ids.length === 0)
  })
})
