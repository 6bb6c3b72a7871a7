import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Harness, member, Room, record, texts, until } from './harness.js'

export interface BreakableHarness extends Harness {
  /** Kills all brokers (SIGKILL) and resolves when they are gone. */
  killBrokers(): Promise<void>
  /** Starts them again on the same data and resolves when they answer. */
  startBrokers(): Promise<void>
}

/** Everything moves again so long after brokers are back, ms, whatever the length of the outage. */
const RECOVERY_MS = 15_000

export function outage(harness: BreakableHarness, outageMs: number, report: (line: string) => void): void {
  describe(`an outage of all brokers of ${outageMs} ms`, () => {
    let room: Room
    beforeEach(() => {
      room = new Room(harness)
    })
    afterEach(() => room.close())

    test('producer, consumer and reader go on by themselves: nothing lost, nothing delivered twice', {
      timeout: outageMs + 90_000,
    }, async () => {
      const topic = await room.topic(3)
      const group = `conformance-${randomUUID()}`
      const { probe } = await member(room.log, group, topic)
      const tail: (string | null)[] = []
      const failures: Error[] = []
      const reader = room.log.reader({
        topics: [topic],
        from: 'start',
        onRecords: records => tail.push(...texts(records)),
        onFatal: error => failures.push(error),
      })
      await reader.start()
      const producer = await room.log.producer()
      const values = Array.from({ length: 300 }, (_, n) => String(n))
      await Promise.all(values.slice(0, 100).map(value => producer.publish(record(topic, value, value))))
      await until('the first hundred', () => probe.records.length === 100 && tail.length === 100)

      const admin = await room.log.admin()
      // The group forgets a member when its brokers take longer to come back than its session: it then reads on from the record.
      await until('all is on record', async () => {
        const committed = await admin.committed(group, topic)
        return [...committed.values()].reduce((sum: bigint, one) => sum + (one ?? 0n), 0n) === 100n
      })
      await harness.killBrokers()
      const during = Promise.all(
        values.slice(100, 200).map(value => producer.publish(record(topic, value, value))),
      )
      await new Promise(resolve => setTimeout(resolve, outageMs))
      await harness.startBrokers()
      const back = performance.now()
      await during
      const published = performance.now() - back
      await Promise.all(values.slice(200).map(value => producer.publish(record(topic, value, value))))
      const all = () => [new Set(texts(probe.records)).size, new Set(tail).size]
      await until('everything', () => all().every(size => size === 300), RECOVERY_MS)
      const consumed = performance.now() - back
      report(
        `outage ${outageMs} ms: published again after ${published.toFixed(0)} ms, all consumed after ${consumed.toFixed(0)} ms`,
      )
      expect(consumed).toBeLessThan(RECOVERY_MS)
      expect(failures).toEqual([])
      expect(probe.failures).toEqual([])
      expect(texts(probe.records)).toHaveLength(
        new Set(probe.records.map(one => `${one.partition}@${one.offset}`)).size,
      )
    })
  })
}
