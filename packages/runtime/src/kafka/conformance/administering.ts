import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Harness, member, Room, record } from './harness.js'

export function administering(harness: Harness): void {
  describe('administering', () => {
    let room: Room
    beforeEach(() => {
      room = new Room(harness)
    })
    afterEach(() => room.close())

    test('topics are created once, with their configuration and as many replicas as there are brokers, up to three', async () => {
      const topic = `conformance.${randomUUID()}`
      const admin = await room.log.admin()
      const specification = { topic, partitions: 5, config: { 'cleanup.policy': 'compact' } }
      expect(await admin.applyTopics([specification])).toEqual([topic])
      expect(await admin.applyTopics([specification])).toEqual([])
      expect(await admin.describeTopics([topic])).toEqual([{ topic, partitions: 5 }])
    })

    test('a topic that differs is an error that names each difference, and is left as it is', async () => {
      const topic = `conformance.${randomUUID()}`
      const admin = await room.log.admin()
      await admin.applyTopics([{ topic, partitions: 2, config: { 'retention.ms': '-1' } }])
      const applying = admin.applyTopics([{ topic, partitions: 3, config: { 'retention.ms': '1000' } }])
      await expect(applying).rejects.toThrow(`${topic} has 2 partitions, 3 are configured`)
      await expect(applying).rejects.toThrow(`${topic} has retention.ms=-1, it must be 1000`)
      await admin.applyTopics([{ topic, partitions: 2, config: { 'retention.ms': '-1' } }])
    })

    test('a configuration that no broker takes is refused with its reason', async () => {
      const admin = await room.log.admin()
      const topic = `conformance.${randomUUID()}`
      const applying = admin.applyTopics([{ topic, partitions: 1, config: { 'retention.ms': 'for ever' } }])
      await expect(applying).rejects.toThrow(/cannot be created: .*retention\.ms/)
    })

    test('offsets tell the first and the next of each partition', async () => {
      const topic = await room.topic(2)
      const producer = await room.log.producer()
      const key = 'k'
      for (let n = 0; n < 3; n++) await producer.publish(record(topic, key, String(n)))
      const partition = room.log.partitionOf(key, 2)
      await harness.deleteRecords({ topic, partition }, 1n)
      const admin = await room.log.admin()
      expect(await admin.offsets(topic)).toEqual(
        new Map(
          [0, 1].map(one => [one, one === partition ? { start: 1n, end: 3n } : { start: 0n, end: 0n }]),
        ),
      )
    })

    test('a group’s members and missing offsets are told', async () => {
      const topic = await room.topic(1)
      const group = `conformance-${randomUUID()}`
      const admin = await room.log.admin()
      expect(await admin.committed(group, topic)).toEqual(new Map([[0, null]]))
      expect((await admin.members(group)).clientIds).toEqual([])
      await member(room.connect(harness.brokers, 'someone'), group, topic)
      expect(await admin.members(group)).toEqual({ state: 'Stable', clientIds: ['someone'] })
    })

    test('the settings of sound brokers pass', async () => {
      const admin = await room.log.admin()
      await expect(admin.assertBrokerSettings()).resolves.toBeUndefined()
    })
  })
}
