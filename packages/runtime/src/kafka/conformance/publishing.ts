import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type IncomingRecord, type OutgoingRecord, PublishFailed, RecordTooLarge } from '../port.js'
import { type Harness, Room, record, texts, until } from './harness.js'

export function publishing(harness: Harness): void {
  describe('publishing', () => {
    let room: Room
    beforeEach(() => {
      room = new Room(harness)
    })
    afterEach(() => room.close())

    /** All that the topic holds, by partition and offset. */
    async function contents(topic: string): Promise<IncomingRecord[]> {
      const records: IncomingRecord[] = []
      await new Promise<void>((resolve, reject) => {
        const reader = room.log.reader({
          topics: [topic],
          from: 'start',
          onRecords: some => records.push(...some),
          onCaughtUp: resolve,
          onFatal: reject,
        })
        reader.start().catch(reject)
      })
      return records.sort((a, b) => a.partition - b.partition || (a.offset < b.offset ? -1 : 1))
    }

    test('key, bytes, headers and tombstones come back as they were, where publish said', async () => {
      const topic = await room.topic(1)
      const producer = await room.log.producer()
      const bytes = Buffer.from([0, 1, 127, 128, 255])
      const sent: OutgoingRecord[] = [
        { topic, key: 'schlüssel', value: bytes, headers: { ce_id: 'é-1', empty: '' } },
        { topic, key: '', value: Buffer.alloc(0), headers: {} },
        { topic, key: 'gone', value: null, headers: { why: 'tombstone' } },
      ]
      const before = Date.now()
      const places = []
      for (const one of sent) places.push(await producer.publish(one))
      const read = await contents(topic)
      expect(places).toEqual([0n, 1n, 2n].map(offset => ({ topic, partition: 0, offset })))
      expect(read.map(({ key, value, headers }) => ({ topic, key, value, headers }))).toEqual(sent)
      for (const one of read) expect(one.timestamp - before).toBeGreaterThanOrEqual(0)
    })

    test('a key always goes to its partition', async () => {
      const topic = await room.topic(7)
      const producer = await room.log.producer()
      const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
      const places = await Promise.all(keys.map(key => producer.publish(record(topic, key, 'v'))))
      expect(places.map(place => place.partition)).toEqual(keys.map(key => room.log.partitionOf(key, 7)))
    })

    test('records of a key stay in the order of the calls under concurrency', async () => {
      const topic = await room.topic(3)
      const producer = await room.log.producer()
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
      const sending: Promise<unknown>[] = []
      for (let n = 0; n < 100; n++) {
        for (const key of keys) sending.push(producer.publish(record(topic, key, `${key}:${n}`)))
        if (n % 10 === 0) await new Promise(resolve => setImmediate(resolve))
      }
      await Promise.all(sending)
      const read = await contents(topic)
      expect(read).toHaveLength(2_000)
      for (const key of keys) {
        const expected = Array.from({ length: 100 }, (_, n) => `${key}:${n}`)
        expect(texts(read.filter(one => one.key === key))).toEqual(expected)
      }
    })

    test('what is published in one turn, and what waits for a send in flight, shares a send', async () => {
      const topic = await room.topic(3)
      const sends: (readonly OutgoingRecord[])[] = []
      const producer = await room.log.producer({
        seal: batch => {
          sends.push(batch)
          return batch
        },
      })
      await producer.publish(record(topic, 'warm', '0'))
      const first = Array.from({ length: 100 }, (_, n) => producer.publish(record(topic, `a${n}`, 'a')))
      await until('the first send is in flight', () => sends.length === 2)
      const second = Array.from({ length: 100 }, (_, n) => producer.publish(record(topic, `b${n}`, 'b')))
      await Promise.all([...first, ...second])
      expect(sends.map(send => send.length)).toEqual([1, 100, 100])
    })

    test('a seal sees exactly the records of one send, and its headers are what arrives', async () => {
      const topic = await room.topic(3)
      const sends: (readonly OutgoingRecord[])[] = []
      const producer = await room.log.producer({
        seal: batch => {
          sends.push(batch)
          const seal = String(sends.length)
          return batch.map((one, index) => ({
            ...one,
            headers: { ...one.headers, seal, index: String(index) },
          }))
        },
      })
      const sent = Array.from({ length: 300 }, (_, n) => record(topic, `k${n}`, String(n), { n: String(n) }))
      await Promise.all(sent.map(one => producer.publish(one)))
      expect(sends.flat()).toEqual(sent)
      for (const one of await contents(topic)) {
        const { seal, index, n } = one.headers
        expect(sends[Number(seal) - 1]?.[Number(index)]?.headers.n).toBe(n)
      }
    })

    test('a seal that throws fails its send and no other', async () => {
      const topic = await room.topic(1)
      let broken = true
      const producer = await room.log.producer({
        seal: batch => {
          if (broken) throw new Error('no key')
          return batch
        },
      })
      await expect(producer.publish(record(topic, 'k', 'lost'))).rejects.toThrow(/no key/)
      broken = false
      await producer.publish(record(topic, 'k', 'kept'))
      expect(texts(await contents(topic))).toEqual(['kept'])
    })

    test('a record above the size limit is refused alone', async () => {
      const topic = await room.topic(1)
      const producer = await room.log.producer()
      const results = await Promise.allSettled([
        producer.publish(record(topic, 'k', 'before')),
        producer.publish({ topic, key: 'big', value: Buffer.alloc(2_000_000), headers: {} }),
        producer.publish(record(topic, 'k', 'after')),
      ])
      expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(results[1]).toMatchObject({ reason: expect.any(RecordTooLarge) })
      expect(texts(await contents(topic))).toEqual(['before', 'after'])
    })

    test('a record above the limit of its topic is refused alone', async () => {
      const topic = await room.topic(1, { 'max.message.bytes': '10000' })
      const producer = await room.log.producer()
      const results = await Promise.allSettled([
        producer.publish(record(topic, 'k', 'before')),
        producer.publish(record(topic, 'big', 'x'.repeat(20_000))),
        producer.publish(record(topic, 'k', 'after')),
      ])
      expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(results[1]).toMatchObject({ reason: expect.any(RecordTooLarge) })
      expect(texts(await contents(topic))).toEqual(['before', 'after'])
    })

    test('more than fits into one batch of a partition goes in several, in order', async () => {
      const topic = await room.topic(1)
      const producer = await room.log.producer({
        // Sealed records may be larger than what was measured before.
        seal: batch => batch.map(one => ({ ...one, headers: { pad: 'p'.repeat(150_000) } })),
      })
      const values = Array.from({ length: 12 }, (_, n) => `${n}:${'x'.repeat(100_000)}`)
      await Promise.all(values.map(value => producer.publish(record(topic, 'k', value))))
      expect(texts(await contents(topic))).toEqual(values)
    })

    test('a topic that does not exist is an error that names it, and is not created', async () => {
      const producer = await room.log.producer()
      const sending = producer.publish(record('conformance.nowhere', 'k', 'v'))
      await expect(sending).rejects.toThrow(/"conformance.nowhere" does not exist/)
      await expect(sending).rejects.toBeInstanceOf(PublishFailed)
      const admin = await room.log.admin()
      await expect(admin.describeTopics(['conformance.nowhere'])).rejects.toThrow(/does not exist/)
    })

    test('flush and close wait for what was published; a closed producer refuses', async () => {
      const topic = await room.topic(1)
      const producer = await room.log.producer()
      let written = 0
      for (let n = 0; n < 50; n++) void producer.publish(record(topic, 'k', String(n))).then(() => written++)
      await producer.flush()
      expect(written).toBe(50)
      const last = producer.publish(record(topic, 'k', 'last'))
      await Promise.all([producer.close(), producer.close()])
      await expect(last).resolves.toMatchObject({ offset: 50n })
      await expect(producer.publish(record(topic, 'k', 'late'))).rejects.toBeInstanceOf(PublishFailed)
    })
  })
}
