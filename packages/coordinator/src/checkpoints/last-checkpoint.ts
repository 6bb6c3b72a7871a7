import { readCheckpoint, type SignedCheckpoint } from '@unwind/core'
import {
  type EventLog,
  type EventOpener,
  type LogAdmin,
  partitionHistory,
  type TopicPartition,
  type TrustStore,
} from '@unwind/runtime'
import { refuseCheckpoint } from './signature.js'

export interface LastCheckpointOptions {
  readonly log: EventLog
  readonly admin: Pick<LogAdmin, 'offsets'>
  /** The checkpoints topic. */
  readonly topic: string
  /** Its partitions. */
  readonly partitions: number
  readonly opener: EventOpener
  readonly trust: Pick<TrustStore, 'verifyBytes'>
  readonly logger: { warn(fields: object, message: string): void }
  /** Epoch ms. */
  now(): number
  readonly signal: AbortSignal
}

/** How far back is looked, each time further, so that the whole topic is read only where nothing recent was written. */
const WINDOWS_MS = [10 * 60_000, 24 * 3_600_000, Number.POSITIVE_INFINITY] as const

/** The last checkpoint of a ledger partition that a trusted coordinator signed; null: there is none. */
export async function lastCheckpoint(
  ledger: TopicPartition,
  options: LastCheckpointOptions,
): Promise<SignedCheckpoint | null> {
  const { log, admin, topic, signal, now } = options
  const partition = log.partitionOf(`${ledger.topic}/${ledger.partition}`, options.partitions)
  const bounds = (await admin.offsets(topic)).get(partition)
  if (!bounds || bounds.end === bounds.start) return null
  for (const window of WINDOWS_MS) {
    let last: SignedCheckpoint | null = null
    const history = partitionHistory({
      log,
      partition: { topic, partition },
      from: Number.isFinite(window) ? { timestampMs: now() - window } : 'start',
      until: bounds.end,
      signal,
    })
    for await (const records of history)
      for (const record of records) {
        const opened = await options.opener.open(record)
        if (opened.kind !== 'event' || opened.event.type !== 'LedgerCheckpointed') continue
        const { data } = opened.event
        if (data.topic !== ledger.topic || data.partition !== ledger.partition) continue
        const checkpoint = readCheckpoint(data)
        // Whoever may write the topic could otherwise make a restart go on from a chain of their own (I8).
        const why =
          typeof checkpoint === 'string'
            ? checkpoint
            : refuseCheckpoint(options.trust, checkpoint, record.timestamp)
        if (why !== null || typeof checkpoint === 'string')
          options.logger.warn({ ...ledger, eventId: data.eventId, why }, 'a checkpoint is not believed')
        else if (last === null || checkpoint.next >= last.next) last = checkpoint
      }
    if (last !== null) return last
  }
  return null
}
