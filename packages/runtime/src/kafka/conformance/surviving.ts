import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type IncomingRecord, PublishFailed } from '../port.js'
import { duplicates, type Harness, member, Room, record, SESSION_MS, texts, until } from './harness.js'
import { API, FaultyProxy } from './proxy.js'

/** What the line to the brokers does to a client. */
export function surviving(harness: Harness): void {
  describe('surviving', () => {
    let room: Room
    let group: string
    beforeEach(() => {
      room = new Room(harness)
      group = `conformance-${randomUUID()}`
    })
    afterEach(() => room.close())

    async function proxy(): Promise<FaultyProxy> {
      const started = await FaultyProxy.start(harness.brokers)
      room.defer(() => started.stop())
      return started
    }

    async function contents(topic: string): Promise<IncomingRecord[]> {
      const records: IncomingRecord[] = []
      await new Promise<void>((resolve, reject) => {
        const options = { topics: [topic], from: 'start' as const, onCaughtUp: resolve, onFatal: reject }
        const reader = room.log.reader({ ...options, onRecords: some => records.push(...some) })
        reader.start().catch(reject)
      })
      return records
    }

    test('a lost answer to a send never loses an acknowledged record, and never puts one behind a later one', async () => {
      const topic = await room.topic(1)
      const line = await proxy()
      const producer = await room.connect(line.addresses).producer()
      await producer.publish(record(topic, 'k', 'warm-up'))
      line.swallowNextAnswers(API.produce, 2)
      const values = Array.from({ length: 20 }, (_, n) => String(n))
      await Promise.all(
        values.map(async (value, index) => {
          if (index % 5 === 0) await new Promise(resolve => setImmediate(resolve))
          return producer.publish(record(topic, 'k', value))
        }),
      )
      const read = texts(await contents(topic))
      expect(line.swallowed).toBe(2)
      expect([...new Set(read)]).toHaveLength(values.length + 1)
      // At least once: the lost answers' sends are in the log twice.
      expect(read.length).toBeGreaterThan(values.length + 1)
      expect(read.at(-1)).toBe([...new Set(read)].at(-1))
    })

    test('a record without a limit is tried while the brokers are away, until its producer is closed', async () => {
      const topic = await room.topic(1)
      const line = await proxy()
      const producer = await room
        .connect(line.addresses)
        .producer({ deliveryTimeoutMs: Number.POSITIVE_INFINITY })
      await producer.publish(record(topic, 'k', 'before'))
      line.cut()
      const during = producer.publish(record(topic, 'k', 'during'))
      line.heal()
      await during
      line.cut()
      const last = producer.publish(record(topic, 'k', 'last'))
      const refused = expect(last).rejects.toBeInstanceOf(PublishFailed)
      await producer.close()
      await refused
      expect(new Set(texts(await contents(topic)))).toEqual(new Set(['before', 'during']))
    })

    test('the partitions of a killed member go to another one after its session, without loss', async () => {
      const topic = await room.topic(4)
      const line = await proxy()
      const doomed = await member(room.connect(line.addresses), group, topic)
      const heir = await member(room.log, group, topic)
      await until('half for each', () => doomed.probe.held.length === 2 && heir.probe.held.length === 2)
      const producer = await room.log.producer()
      const values = Array.from({ length: 400 }, (_, n) => String(n))
      await Promise.all(values.slice(0, 200).map(value => producer.publish(record(topic, value, value))))
      line.cut()
      await Promise.all(values.slice(200).map(value => producer.publish(record(topic, value, value))))
      const read = () => new Set(texts([...doomed.probe.records, ...heir.probe.records]))
      await until('all partitions', () => heir.probe.held.length === 4, SESSION_MS + 10_000)
      await until('all records', () => read().size === 400)
    })

    test('a killed member that comes back under its name goes on before its session would end', async () => {
      const topic = await room.topic(4)
      const line = await proxy()
      const doomed = await member(room.connect(line.addresses), group, topic, { instanceId: 'one' })
      await until('all partitions', () => doomed.probe.held.length === 4)
      const producer = await room.log.producer()
      await producer.publish(record(topic, 'k', '1'))
      await until('the first record', () => doomed.probe.records.length === 1)
      line.cut()
      await producer.publish(record(topic, 'k', '2'))
      const began = performance.now()
      const back = await member(room.log, group, topic, { instanceId: 'one' })
      await until('the second record', () => texts(back.probe.records).includes('2'))
      expect(performance.now() - began).toBeLessThan(SESSION_MS / 2)
    })

    test('a line that falls silent and comes back costs neither records nor order', async () => {
      const topic = await room.topic(1)
      const line = await proxy()
      const { probe } = await member(room.connect(line.addresses), group, topic)
      const producer = await room.log.producer()
      await producer.publish(record(topic, 'k', '0'))
      await until('the first record', () => probe.records.length === 1)
      line.silence()
      for (const value of ['1', '2', '3']) await producer.publish(record(topic, 'k', value))
      const admin = await room.log.admin()
      await until(
        'the group has lost the member',
        async () => (await admin.members(group)).clientIds.length === 0,
      )
      expect(probe.records).toHaveLength(1)
      line.heal()
      await until('the rest', () => new Set(texts(probe.records)).size === 4, 15_000)
      expect([...new Set(texts(probe.records))]).toEqual(['0', '1', '2', '3'])
      expect(probe.failures).toEqual([])
    })

    test('lost answers to fetches and commits cost neither records nor double deliveries', async () => {
      const topic = await room.topic(2)
      const line = await proxy()
      const { probe } = await member(room.connect(line.addresses), group, topic)
      const producer = await room.log.producer()
      const values = Array.from({ length: 600 }, (_, n) => String(n))
      for (let at = 0; at < values.length; at += 100) {
        line.swallowNextAnswers(API.fetch, 1)
        line.swallowNextAnswers(API.offsetCommit, 1)
        await Promise.all(
          values.slice(at, at + 100).map(value => producer.publish(record(topic, value, value))),
        )
        await until('what was sent', () => probe.records.length >= at + 100)
      }
      const admin = await room.log.admin()
      await until('all is on record', async () => {
        const committed = await admin.committed(group, topic)
        return [...committed.values()].reduce((sum: bigint, one) => sum + (one ?? 0n), 0n) === 600n
      })
      expect(duplicates(probe.records)).toEqual([])
      expect(line.swallowed).toBeGreaterThanOrEqual(6)
    })
  })
}
