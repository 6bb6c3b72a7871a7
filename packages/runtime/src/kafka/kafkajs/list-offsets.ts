import type { TopicPartition } from '../port.js'
import { createErrorFromCode } from './internals.js'
import type { Link } from './link.js'

/** Where in the log: its first offset, the one after its last, or the first at or after a time (epoch ms). */
export type Place = 'start' | 'end' | { readonly timestampMs: number }

interface Answer {
  readonly responses: readonly {
    topic: string
    partitions: readonly { partition: number; errorCode: number; offset: string }[]
  }[]
}

const READ_COMMITTED = 1

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/**
 * Asks the partitions' leaders. A time after the last record gives −1.
 * @returns offset by `nameOf`.
 * @throws the first error code that a leader answers.
 */
export async function listOffsets(
  link: Link,
  partitions: readonly TopicPartition[],
  place: Place,
): Promise<Map<string, bigint>> {
  const timestamp = place === 'start' ? '-2' : place === 'end' ? '-1' : String(place.timestampMs)
  const byLeader = new Map<number, Map<string, { partition: number; timestamp: string }[]>>()
  for (const { topic, partition } of partitions) {
    const leader = (await link.topic(topic)).leaders.get(partition) ?? -1
    if (leader < 0) throw createErrorFromCode(5)
    const topics = byLeader.get(leader) ?? new Map<string, { partition: number; timestamp: string }[]>()
    byLeader.set(leader, topics)
    topics.set(topic, [...(topics.get(topic) ?? []), { partition, timestamp }])
  }
  const found = new Map<string, bigint>()
  await Promise.all(
    [...byLeader].map(async ([leader, topics]) => {
      const request = {
        isolationLevel: READ_COMMITTED,
        topics: [...topics].map(([topic, list]) => ({ topic, partitions: list })),
      }
      const answer = await link.call<Answer>(await link.node(leader), 'ListOffsets', request)
      for (const { topic, partitions: answered } of answer.responses) {
        for (const one of answered) found.set(nameOf({ topic, partition: one.partition }), BigInt(one.offset))
      }
    }),
  )
  return found
}
