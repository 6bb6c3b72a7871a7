import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IncomingRecord, ReaderOptions } from '../port.js'
import { TopicMissing } from '../port.js'
import { type Harness, Room, record, texts, until } from './harness.js'

export function reading(harness: Harness): void {
  describe('reading without a group', () => {
    let room: Room
    beforeEach(() => {
      room = new Room(harness)
    })
    afterEach(() => room.close())

    async function publish(topic: string, values: readonly string[], key = 'k'): Promise<void> {
      const producer = await room.log.producer()
      for (const value of values) await producer.publish(record(topic, key, value))
      await producer.close()
    }

    function open(topic: string, options: Partial<ReaderOptions> = {}) {
      const seen: IncomingRecord[] = []
      const state = { caughtUpAt: [] as number[], failures: [] as Error[] }
      const reader = room.log.reader({
        topics: [topic],
        from: 'start',
        onRecords: records => seen.push(...records),
        onCaughtUp: () => state.caughtUpAt.push(seen.length),
        onFatal: error => state.failures.push(error),
        ...options,
      })
      return { reader, seen, state }
    }

    test('from the start: history, then caught up once, then news', async () => {
      const topic = await room.topic(3)
      await publish(topic, ['1', '2'], 'a')
      await publish(topic, ['3'], 'b')
      const { reader, seen, state } = open(topic)
      await reader.start()
      await until('caught up', () => state.caughtUpAt.length === 1)
      expect(state.caughtUpAt).toEqual([3])
      await publish(topic, ['4'])
      await until('news', () => seen.length === 4)
      expect(state).toEqual({ caughtUpAt: [3], failures: [] })
      expect(texts(seen).sort()).toEqual(['1', '2', '3', '4'])
    })

    test('an empty topic is caught up as soon as the reader has started', async () => {
      const { reader, state } = open(await room.topic(3))
      await reader.start()
      expect(state.caughtUpAt).toEqual([0])
    })

    test('from the end: only what comes', async () => {
      const topic = await room.topic(1)
      await publish(topic, ['old'])
      const { reader, seen, state } = open(topic, { from: 'end' })
      await reader.start()
      expect(state.caughtUpAt).toEqual([0])
      await publish(topic, ['new'])
      await until('news', () => seen.length === 1)
      expect(texts(seen)).toEqual(['new'])
    })

    test('from an offset of a partition, and from the start where none is given', async () => {
      const topic = await room.topic(1)
      await publish(topic, ['old'])
      await publish(topic, ['new'])
      const { reader, seen, state } = open(topic, { from: { offsets: new Map([[0, 1n]]) } })
      await reader.start()
      await until('caught up', () => state.caughtUpAt.length === 1)
      expect(texts(seen)).toEqual(['new'])
      const all = open(topic, { from: { offsets: new Map() } })
      await all.reader.start()
      await until('caught up', () => all.state.caughtUpAt.length === 1)
      expect(texts(all.seen)).toEqual(['old', 'new'])
    })

    test('from a moment: the first record at or after it, and only news when there is none', async () => {
      const topic = await room.topic(1)
      await publish(topic, ['before'])
      const last = Date.now()
      await until('the clock moves on', () => Date.now() > last)
      const moment = Date.now()
      await publish(topic, ['after'])
      const since = open(topic, { from: { timestampMs: moment } })
      await since.reader.start()
      await until('caught up', () => since.state.caughtUpAt.length === 1)
      expect(texts(since.seen)).toEqual(['after'])
      const future = open(topic, { from: { timestampMs: Date.now() + 3_600_000 } })
      await future.reader.start()
      expect(future.state.caughtUpAt).toEqual([0])
      await publish(topic, ['new'])
      await until('news', () => future.seen.length === 1)
      expect(texts(future.seen)).toEqual(['new'])
    })

    test('only the partitions asked for', async () => {
      const topic = await room.topic(4)
      const keys = Array.from({ length: 40 }, (_, n) => `k${n}`)
      for (const key of keys) await publish(topic, [key], key)
      const { reader, seen, state } = open(topic, { partitions: [2] })
      await reader.start()
      await until('caught up', () => state.caughtUpAt.length === 1)
      expect(texts(seen)).toEqual(keys.filter(key => room.log.partitionOf(key, 4) === 2))
      await expect(open(topic, { partitions: [4] }).reader.start()).rejects.toThrow(
        /partitions 0 to 3, not 4/,
      )
    })

    test('starts within 300 ms of its own time, leaves no group behind, and stops at once', async () => {
      const topic = await room.topic(12)
      const { reader } = open(topic)
      const began = performance.now()
      await reader.start()
      expect(performance.now() - began).toBeLessThan(300)
      await Promise.all([reader.stop(), reader.stop()])
    })

    test('delivers nothing after a stop', async () => {
      const topic = await room.topic(1)
      const { reader, seen } = open(topic)
      await reader.start()
      await reader.stop()
      await publish(topic, ['1'])
      const other = open(topic)
      await other.reader.start()
      await until('another one reads it', () => other.seen.length === 1)
      expect(seen).toEqual([])
    })

    test('a topic that does not exist is said at start', async () => {
      await expect(open('conformance.nowhere').reader.start()).rejects.toBeInstanceOf(TopicMissing)
    })

    test('a topic that is deleted while it is read is said', async () => {
      const topic = await room.topic(1)
      await publish(topic, ['1'])
      const { reader, seen, state } = open(topic)
      await reader.start()
      await until('the record', () => seen.length === 1)
      await harness.deleteTopic(topic)
      await until('the failure', () => state.failures.length === 1, 30_000)
      expect(state.failures[0]!.message).toMatch(/deleted while it was being read|outside of the log/)
    })
  })
}
