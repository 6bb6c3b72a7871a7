import type { Hash } from '@unwind/contracts'
import { checkpointDigest, PREFIX_BYTES, type SignedCheckpoint } from './checkpoint.js'
import type { Finding, Tampering } from './finding.js'

export interface CheckpointSetOptions {
  readonly topic: string
  readonly partition: number
  /** In the order in which they lie in the log. */
  readonly checkpoints: readonly SignedCheckpoint[]
  /** What an outside witness was given, in any order. */
  readonly witnessed?: readonly SignedCheckpoint[]
  readonly hash: Hash
  /** @returns why its signature does not count, or null. */
  refused(checkpoint: SignedCheckpoint): string | null
}

/** The checkpoints of one partition that count, and what is wrong with the others. */
export interface CheckpointSet {
  /** By the end of their ranges. */
  readonly sorted: readonly SignedCheckpoint[]
  /** Where the chain begins; null: nobody says. */
  readonly start: bigint | null
  readonly findings: readonly Finding[]
}

/** Which checkpoints count: signed by a coordinator, each after the one that it names, none contradicting another. */
export function examineCheckpoints(options: CheckpointSetOptions): CheckpointSet {
  const { topic, partition, hash } = options
  const findings: Finding[] = []
  const known = new Map<string, SignedCheckpoint>()
  let start: bigint | null = null
  const note = (kind: Tampering, { next }: SignedCheckpoint, detail: string) =>
    findings.push({ kind, subject: 'checkpoint', topic, partition, offset: next, eventId: null, detail })

  for (const checkpoint of options.checkpoints) {
    const why = unusable(checkpoint)
    if (why !== null) {
      note('forged', checkpoint, why)
      continue
    }
    const { previous, from } = checkpoint
    if (previous === null) {
      if (start !== null && start !== from)
        note('removed', checkpoint, `the chain begins anew at offset ${from}, nothing proves what lay before`)
      start ??= from
    } else if (known.get(previous)?.next !== from)
      note(
        'removed',
        checkpoint,
        `the checkpoint before it, ${previous.slice(0, 12)}, does not stand before it`,
      )
    known.set(checkpointDigest(checkpoint, hash), checkpoint)
  }
  const last = [...known.values()].reduce((end, { next }) => (next > end ? next : end), 0n)
  for (const checkpoint of options.witnessed ?? []) {
    if (checkpoint.topic !== topic || checkpoint.partition !== partition) continue
    const digest = checkpointDigest(checkpoint, hash)
    if (known.has(digest)) continue
    const why = unusable(checkpoint)
    if (why !== null) {
      note('forged', checkpoint, `the witness’s: ${why}`)
      continue
    }
    note(checkpoint.next > last ? 'truncated' : 'removed', checkpoint, 'the witness has it, the log has not')
    if (checkpoint.previous === null) start ??= checkpoint.from
    known.set(digest, checkpoint)
  }
  const sorted = [...known.values()].sort((a, b) => compare(a.next, b.next) || compare(a.from, b.from))
  return { sorted, start, findings: [...findings, ...forks(sorted)] }

  function unusable(checkpoint: SignedCheckpoint): string | null {
    if (checkpoint.topic !== topic || checkpoint.partition !== partition)
      return `it speaks of ${checkpoint.topic}/${checkpoint.partition}`
    return options.refused(checkpoint)
  }
}

/** Two that end at one offset and say different things: whoever holds a coordinator's key has told two stories. */
function forks(sorted: readonly SignedCheckpoint[]): Finding[] {
  const found: Finding[] = []
  for (const [i, one] of sorted.entries()) {
    const other = sorted[i + 1]
    if (!other || other.next !== one.next || other.chainHash === one.chainHash) continue
    found.push({
      kind: 'forked',
      subject: 'record',
      topic: one.topic,
      partition: one.partition,
      offset: firstDifference(one, other),
      eventId: null,
      detail: `two signed checkpoints at offset ${one.next} say different things, one by ${one.emitter}, one by ${other.emitter}`,
    })
  }
  return found
}

/** Both ranges end at the same offset, so their hashes are compared from there; offsets have no gaps in between. */
function firstDifference(one: SignedCheckpoint, other: SignedCheckpoint): bigint {
  const shared = Math.min(one.records, other.records)
  for (let back = shared; back > 0; back--)
    if (!prefixFromEnd(one, back).equals(prefixFromEnd(other, back))) return one.next - BigInt(back)
  return one.next - BigInt(Math.max(one.records, other.records))
}

function prefixFromEnd({ recordHashes, records }: SignedCheckpoint, back: number): Buffer {
  const at = (records - back) * PREFIX_BYTES
  return Buffer.from(recordHashes.subarray(at, at + PREFIX_BYTES))
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
