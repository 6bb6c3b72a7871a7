import { HEADER, type TopicNames } from '@unwind/contracts'
import { readCheckpoint } from '@unwind/core'
import { type EventLog, type IncomingRecord, partitionHistory } from '@unwind/runtime'
import { localDecoder } from './local-decoder.js'
import type { LedgerSource, ReadCheckpoint } from './source.js'

export interface TopicSourceOptions {
  readonly log: EventLog
  readonly topics: TopicNames
  readonly signal: AbortSignal
  /** Checkpoints are not looked at. */
  readonly topicOnly: boolean
}

/** Reads the ledger from Kafka, up to where it ends now; schemas are this build's, so no registry is asked. */
export async function openTopic(options: TopicSourceOptions): Promise<LedgerSource> {
  const { log, topics, signal, topicOnly } = options
  const admin = await log.admin()
  const decode = localDecoder()
  const problems: string[] = []
  const checkpoints: ReadCheckpoint[] = []
  // Before the ledger's ends are asked for, so that every checkpoint read is of records that must be there.
  if (!topicOnly)
    for (const [partition, { end }] of await admin.offsets(topics.checkpoints))
      for await (const records of history(topics.checkpoints, partition, end))
        for (const record of records) take(record)
  const ends = await admin.offsets(topics.rollback)
  await admin.close()

  return {
    topic: topics.rollback,
    partitions: [...ends.keys()].sort((a, b) => a - b),
    checkpoints,
    problems: () => problems,
    remarks: () => [],
    async *read(partition) {
      for await (const records of history(topics.rollback, partition, ends.get(partition)!.end))
        yield records.map(record => ({
          kind: 'record' as const,
          record: { ...record, eventId: record.headers[HEADER.id] ?? null },
        }))
    },
  }

  async function* history(topic: string, partition: number, end: bigint) {
    if (end > 0n)
      yield* partitionHistory({ log, partition: { topic, partition }, from: 'start', until: end, signal })
  }

  function take(record: IncomingRecord): void {
    const { topic, partition, offset } = record
    const event = decode(record.value, record.headers, record)
    const checkpoint = event?.type === 'LedgerCheckpointed' ? readCheckpoint(event.data) : 'it is none'
    if (typeof checkpoint === 'string') problems.push(`${topic}/${partition} offset ${offset}: ${checkpoint}`)
    else checkpoints.push({ checkpoint, writtenAt: record.timestamp })
  }
}
