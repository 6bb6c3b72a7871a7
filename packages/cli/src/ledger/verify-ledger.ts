import { refuseCheckpoint } from '@unwind/coordinator'
import {
  examineCheckpoints,
  type Finding,
  type PartitionVerdict,
  PartitionVerifier,
  type SignedCheckpoint,
} from '@unwind/core'
import { sha256, type TrustStore } from '@unwind/runtime'
import type { LedgerSource } from './source.js'

export interface VerifyOptions {
  readonly source: LedgerSource
  readonly trust: TrustStore
  /** What an outside witness kept. */
  readonly witnessed?: readonly SignedCheckpoint[]
  /** Nothing but the records: their signatures, order and offsets. */
  readonly topicOnly?: boolean
  progress?(partition: number, records: number): void
}

export interface LedgerReport {
  readonly partitions: readonly PartitionVerdict[]
  /** The first bad record of each partition that has one. */
  readonly findings: readonly Finding[]
  readonly problems: readonly string[]
  readonly remarks: readonly string[]
}

/** Reads all of a ledger once, partition by partition, and says where it is not what was proven (I8). */
export async function verifyLedger(options: VerifyOptions): Promise<LedgerReport> {
  const { source, trust, witnessed = [], topicOnly = false, progress } = options
  const { topic } = source
  const all = topicOnly ? [] : source.checkpoints
  const writtenAt = new Map(all.map(read => [read.checkpoint, read.writtenAt]))
  const claimed = [...all.map(({ checkpoint }) => checkpoint), ...witnessed]
  // A partition of which nothing is left but its checkpoints is verified too.
  const numbers = new Set([
    ...source.partitions,
    ...claimed.filter(c => c.topic === topic).map(c => c.partition),
  ])
  const present = new Set(source.partitions)
  const strangers = claimed.filter(checkpoint => checkpoint.topic !== topic)
  const partitions: PartitionVerdict[] = []
  for (const partition of [...numbers].sort((a, b) => a - b)) {
    const checkpoints = examineCheckpoints({
      topic,
      partition,
      checkpoints: all
        .map(({ checkpoint }) => checkpoint)
        .filter(c => c.partition === partition && c.topic === topic),
      witnessed,
      hash: sha256,
      refused: checkpoint => refuseCheckpoint(trust, checkpoint, writtenAt.get(checkpoint)),
    })
    const verifier = new PartitionVerifier({
      topic,
      partition,
      checkpoints,
      // The ledger is kept for ever, so it begins where every log begins.
      start: 0n,
      hash: sha256,
      refused(record) {
        const value = record.value && Buffer.from(record.value)
        const verified = trust.verify({ ...record, value, topic, partition })
        return verified.ok ? null : verified.message
      },
    })
    if (present.has(partition)) await readThrough(verifier, partition)
    partitions.push(verifier.end())
  }
  return {
    partitions,
    findings: partitions.flatMap(({ finding }) => (finding ? [finding] : [])),
    problems: [
      ...source.problems(),
      ...strangers.map(c => `a checkpoint speaks of ${c.topic}/${c.partition}, which is not this ledger`),
    ],
    remarks: source.remarks(),
  }

  async function readThrough(verifier: PartitionVerifier, partition: number): Promise<void> {
    let records = 0
    for await (const items of source.read(partition)) {
      for (const item of items) {
        if (item.kind === 'bad') verifier.unreadable(item.detail, item.record)
        const record = item.record
        if (record && !verifier.take(record)) return
      }
      records += items.length
      progress?.(partition, records)
    }
  }
}
