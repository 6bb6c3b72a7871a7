import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LogRegressed, TopicMissing } from '../port.js'
import { duplicates, type Harness, member, Probe, Room, record, texts, until } from './harness.js'

export function consuming(harness: Harness): void {
  describe('consuming', () => {
    let room: Room
    let group: string
    beforeEach(() => {
      room = new Room(harness)
      group = `conformance-${randomUUID()}`
    })
    afterEach(() => room.close())

    async function publish(topic: string, values: readonly string[], key?: string): Promise<void> {
      const producer = await room.log.producer()
      await Promise.all(values.map(value => producer.publish(record(topic, key ?? value, value))))
      await producer.close()
    }

    const numbers = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => String(from + n))

    test('a new group begins at the start of the log, and knows where news begins', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 5), 'k')
      const { probe } = await member(room.log, group, topic)
      await until('five records', () => probe.records.length === 5)
      await publish(topic, ['5'], 'k')
      await until('news', () => probe.records.length === 6)
      expect(texts(probe.records)).toEqual(numbers(0, 6))
      expect([...probe.assignments[0]!.partitions]).toEqual([
        [`${topic}/0`, { topic, partition: 0, position: 0n, endAtAssignment: 5n }],
      ])
    })

    test('a restarted member begins at the offset that was noted last, not at an earlier one noted later', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 100), 'k')
      const first = await member(room.log, group, topic, { commit: false })
      await until('all records', () => first.probe.records.length === 100)
      first.consumer.commit({ topic, partition: 0 }, 60n)
      first.consumer.commit({ topic, partition: 0 }, 30n)
      await first.consumer.stop()
      const second = await member(room.log, group, topic, { commit: false })
      await until('the rest', () => second.probe.records.length >= 40)
      expect(texts(second.probe.records)).toEqual(numbers(60, 100))
      const admin = await room.log.admin()
      expect(await admin.committed(group, topic)).toEqual(new Map([[0, 60n]]))
    })

    test('offsets are written while it runs, without a stop', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 10), 'k')
      await member(room.log, group, topic)
      const admin = await room.log.admin()
      await until('offset 10 is on record', async () => (await admin.committed(group, topic)).get(0) === 10n)
    })

    test('members share the partitions, none is lost or read twice when one joins and leaves', async () => {
      const topic = await room.topic(6)
      const all = numbers(0, 3_000)
      const producer = await room.log.producer()
      const first = await member(room.log, group, topic)
      const sending = (async () => {
        for (let at = 0; at < all.length; at += 50) {
          await Promise.all(
            all.slice(at, at + 50).map(value => producer.publish(record(topic, value, value))),
          )
        }
      })()
      const second = await member(room.log, group, topic)
      await until('half for each', () => first.probe.held.length === 3 && second.probe.held.length === 3)
      await sending
      await second.consumer.stop()
      await until('all for the first', () => first.probe.held.length === 6)
      await publish(topic, numbers(3_000, 3_100))
      const read = () => [...first.probe.records, ...second.probe.records]
      await until('everything', () => new Set(texts(read())).size === 3_100)
      expect([...new Set(texts(read()))].map(Number).sort((a, b) => a - b)).toEqual(
        numbers(0, 3_100).map(Number),
      )
      // Each alone: what it kept across the rebalances went on where it was.
      expect(duplicates(second.probe.records)).toEqual([])
      expect(first.probe.failures).toEqual([])
    })

    test('a member that stays keeps its partitions when others come', async () => {
      const topic = await room.topic(6)
      const first = await member(room.log, group, topic)
      const second = await member(room.log, group, topic)
      await until('half for each', () => first.probe.held.length === 3 && second.probe.held.length === 3)
      const before = [first.probe.held, second.probe.held]
      const third = await member(room.log, group, topic)
      await until('two for each', () => [first, second, third].every(one => one.probe.held.length === 2))
      expect(before[0]).toEqual(expect.arrayContaining(first.probe.held))
      expect(before[1]).toEqual(expect.arrayContaining(second.probe.held))
    })

    test('paused partitions stand still, others flow, and nothing is lost or doubled after', async () => {
      const topic = await room.topic(2)
      const keys = [0, 1].map(
        partition => numbers(0, 100).find(key => room.log.partitionOf(key, 2) === partition)!,
      )
      const { consumer, probe } = await member(room.log, group, topic)
      const of = (partition: number) => texts(probe.records.filter(one => one.partition === partition))
      await publish(topic, numbers(0, 10), keys[0])
      await until('ten', () => probe.records.length === 10)
      consumer.pause([{ topic, partition: 0 }])
      await publish(topic, numbers(10, 20), keys[0])
      await publish(topic, numbers(100, 110), keys[1])
      await until('the other partition', () => of(1).length === 10)
      // Longer than a fetch is held: one that was under way when the pause came has ended.
      await publish(topic, numbers(110, 120), keys[1])
      await until('the other partition again', () => of(1).length === 20)
      expect(of(0)).toEqual(numbers(0, 10))
      consumer.resume([{ topic, partition: 0 }])
      await until('the paused ones', () => of(0).length >= 20)
      expect(of(0)).toEqual(numbers(0, 20))
    })

    test('a pause in the middle of a backlog stops the next delivery', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 5_000), 'k')
      const probe = new Probe()
      const consumer = room.log.consumer({ groupId: group, topics: [topic], handlers: probe })
      probe.afterwards = () => consumer.pause([{ topic, partition: 0 }])
      await consumer.start()
      let seen = 0
      while (seen < 5_000) {
        await until('more', () => probe.records.length > seen)
        expect(probe.records.length - seen).toBeLessThanOrEqual(1_000)
        seen = probe.records.length
        consumer.resume([{ topic, partition: 0 }])
      }
      expect(texts(probe.records)).toEqual(numbers(0, 5_000))
    })

    test('an offset beyond the end of the log halts instead of jumping', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 5), 'k')
      const first = await member(room.log, group, topic)
      await until('five', () => first.probe.records.length === 5)
      first.consumer.commit({ topic, partition: 0 }, 50n)
      await first.consumer.stop()
      const probe = new Probe()
      const second = room.log.consumer({ groupId: group, topics: [topic], handlers: probe })
      await expect(second.start()).rejects.toBeInstanceOf(LogRegressed)
      expect(probe.failures).toEqual([expect.any(LogRegressed)])
      expect(probe.failures[0]!.message).toContain(
        `${topic}/0: position 50 is outside of the log, which holds 0 to 5`,
      )
      expect(probe.records).toEqual([])
    })

    test('records that were deleted before they were read halt instead of being skipped', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 10), 'k')
      const first = await member(room.log, group, topic, { commit: false })
      await until('ten', () => first.probe.records.length === 10)
      first.consumer.commit({ topic, partition: 0 }, 4n)
      await first.consumer.stop()
      await harness.deleteRecords({ topic, partition: 0 }, 8n)
      const probe = new Probe()
      const second = room.log.consumer({ groupId: group, topics: [topic], handlers: probe })
      await expect(second.start()).rejects.toThrow(/records 4 to 7 were deleted/)
      expect(probe.records).toEqual([])
    })

    test('a topic that is deleted under a running consumer halts it', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 20), 'k')
      const { probe } = await member(room.log, group, topic)
      await until('twenty', () => probe.records.length === 20)
      await harness.deleteTopic(topic)
      await until('the halt', () => probe.failures.length === 1, 30_000)
      expect(probe.failures).toEqual([expect.any(LogRegressed)])
      expect(probe.records).toHaveLength(20)
    })

    test('a topic that is created anew under a running consumer halts it', async () => {
      const topic = await room.topic(1)
      await publish(topic, numbers(0, 20), 'k')
      const { probe } = await member(room.log, group, topic)
      await until('twenty', () => probe.records.length === 20)
      await harness.deleteTopic(topic)
      const admin = await room.log.admin()
      await until(
        'the new topic',
        async () => (await admin.applyTopics([{ topic, partitions: 1, config: {} }])).length === 1,
      )
      await publish(topic, ['other'], 'k')
      await until('the halt', () => probe.failures.length === 1, 30_000)
      expect(probe.failures).toEqual([expect.any(LogRegressed)])
      expect(texts(probe.records)).toEqual(numbers(0, 20))
    })

    test('a topic that does not exist is said at start', async () => {
      const consumer = room.log.consumer({
        groupId: group,
        topics: ['conformance.nowhere'],
        handlers: new Probe(),
      })
      await expect(consumer.start()).rejects.toBeInstanceOf(TopicMissing)
    })

    test('a handler that throws halts its consumer once, aloud, and nothing more is delivered', async () => {
      const topic = await room.topic(1)
      const { probe } = await member(room.log, group, topic)
      probe.afterwards = () => {
        throw new TypeError('defect')
      }
      await publish(topic, ['1'], 'k')
      await until('the halt', () => probe.failures.length === 1)
      await publish(topic, ['2'], 'k')
      const { probe: next } = await member(room.log, group, topic)
      await until('another member reads both', () => next.records.length === 2)
      expect(texts(probe.records)).toEqual(['1'])
      expect(probe.failures.map(error => error.message)).toEqual(['defect'])
    })

    test('stop is idempotent, also while it starts', async () => {
      const topic = await room.topic(1)
      const probe = new Probe()
      const consumer = room.log.consumer({ groupId: group, topics: [topic], handlers: probe })
      const started = consumer.start().then(
        () => 'started',
        () => 'stopped',
      )
      await Promise.all([consumer.stop(), consumer.stop()])
      expect(await started).toBe('stopped')
      await consumer.stop()
      expect(probe.failures).toEqual([])
      const admin = await room.log.admin()
      await until('the group is empty', async () => (await admin.members(group)).clientIds.length === 0)
    })
  })
}
