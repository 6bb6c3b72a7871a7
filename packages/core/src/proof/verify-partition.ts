import type { Hash } from '@unwind/contracts'
import { chainLink, chainStart } from './chain.js'
import { PREFIX_BYTES, type SignedCheckpoint } from './checkpoint.js'
import type { CheckpointSet } from './checkpoint-set.js'
import type { Finding, PartitionVerdict, Tampering } from './finding.js'
import { compareRange, type ReadEntry } from './range.js'
import { type ProvenRecord, recordHash } from './record-hash.js'

/** What was read of a record that is shown: all of it. */
export interface ShownRecord extends ProvenRecord {
  readonly eventId: string | null
}

/** What was read of a record whose content is left out of an export: where it lay, and its hash. */
export interface HiddenRecord {
  readonly offset: bigint
  readonly hidden: Uint8Array
}

export interface PartitionVerifierOptions {
  readonly topic: string
  readonly partition: number
  readonly checkpoints: CheckpointSet
  /** First offset that must be there when no checkpoint says it; null: whatever comes first. */
  readonly start: bigint | null
  readonly hash: Hash
  /** @returns why the record's signature does not count, or null. */
  refused(record: ShownRecord): string | null
}

/** A suspicion; the strongest of those that point at the first offset becomes the finding. */
interface Suspicion extends Finding {
  readonly weight: Weight
}
enum Weight {
  /** An offset without a record: a checkpoint may prove that there never was one (a transaction's marker). */
  gap = 0,
  order = 1,
  signature = 2,
  proof = 3,
}

/**
 * Reads one partition in order and names the first bad record (I8). Memory is that of one checkpoint's range; what was
 * suspected within a range is decided when the range ends, since only then it is known what is first.
 */
export class PartitionVerifier {
  readonly #pending: SignedCheckpoint[]
  #suspicions: Suspicion[]
  #entries: ReadEntry[] = []
  #chain: Uint8Array | null
  #expected: bigint | null
  #records = 0
  #hidden = 0
  #proven: bigint | null = null
  #stopped = false

  constructor(private readonly options: PartitionVerifierOptions) {
    const { checkpoints, topic, partition, hash } = options
    this.#pending = [...checkpoints.sorted]
    this.#suspicions = checkpoints.findings.map(finding => ({ ...finding, weight: Weight.proof }))
    this.#chain = checkpoints.start === null ? null : chainStart(topic, partition, checkpoints.start, hash)
    this.#expected = checkpoints.start ?? options.start
  }

  /** @returns false when the first bad record is known and nothing more has to be read. */
  take(record: ShownRecord | HiddenRecord): boolean {
    if (this.#stopped) return false
    const { offset } = record
    this.#settleBefore(offset)
    if (this.#stopped) return false
    this.#records++
    const shown = 'hidden' in record ? null : record
    if (!shown) this.#hidden++
    const hashed = 'hidden' in record ? record.hidden : recordHash(record, this.options.hash)
    const prefix = Buffer.from(hashed.subarray(0, PREFIX_BYTES)).toString('hex')
    const eventId = shown?.eventId ?? null
    const { start } = this.options.checkpoints
    if (start !== null && offset < start) return this.#unproven(shown)
    this.#checkOrder(offset, prefix, eventId)
    const refused = shown && this.options.refused(shown)
    if (refused) this.#suspect(Weight.signature, 'forged', offset, eventId, refused)
    if (this.#chain) this.#chain = chainLink(this.#chain, hashed, this.options.hash)
    if (this.#pending.length > 0) this.#entries.push({ offset, prefix, eventId })
    // Beyond the last checkpoint there is nothing that could move the suspicion to an earlier record.
    else if (this.#suspicions.length > 0) this.#stopped = true
    return !this.#stopped
  }

  /** Something stands where a record should that is none. */
  unreadable(detail: string, record: ShownRecord | null = null): void {
    if (this.#stopped) return
    const offset = record?.offset ?? this.#expected ?? 0n
    this.#suspect(Weight.signature, 'edited', offset, record?.eventId ?? null, detail)
    if (this.#pending.length === 0) this.#stopped = true
  }

  end(): PartitionVerdict {
    while (!this.#stopped && this.#pending.length > 0) this.#settle(this.#pending.shift()!, true)
    const { topic, partition, checkpoints } = this.options
    return {
      topic,
      partition,
      records: this.#records,
      hidden: this.#hidden,
      provenUpTo: this.#proven,
      end: this.#records === 0 ? null : this.#expected,
      chainHash: this.#chain && Buffer.from(this.#chain).toString('hex'),
      checkpoints: checkpoints.sorted.length,
      finding: first(this.#suspicions),
    }
  }

  /** What lay there before the first checkpoint was cut has its signatures only. */
  #unproven(shown: ShownRecord | null): boolean {
    const refused = shown && this.options.refused(shown)
    if (refused) this.#suspect(Weight.signature, 'forged', shown.offset, shown.eventId, refused)
    return true
  }

  #checkOrder(offset: bigint, prefix: string, eventId: string | null): void {
    const expected = this.#expected
    if (expected === null || offset >= expected) {
      if (expected !== null && offset > expected)
        this.#suspect(Weight.gap, 'removed', expected, null, `${offset - expected} offsets have no record`)
      this.#expected = offset + 1n
      return
    }
    const twice = this.#entries.some(entry => entry.prefix === prefix) || offset === expected - 1n
    const detail = twice ? 'it stands there twice' : `it stands after offset ${expected - 1n}`
    this.#suspect(Weight.order, twice ? 'duplicated' : 're-ordered', offset, eventId, detail)
  }

  #settleBefore(offset: bigint): void {
    while (!this.#stopped && this.#pending.length > 0 && this.#pending[0]!.next <= offset)
      this.#settle(this.#pending.shift()!, false)
  }

  #settle(checkpoint: SignedCheckpoint, ended: boolean): void {
    const { from, next, recordHashes, records, chainHash } = checkpoint
    const want = Array.from({ length: records }, (_, i) =>
      Buffer.from(recordHashes.subarray(i * PREFIX_BYTES, (i + 1) * PREFIX_BYTES)).toString('hex'),
    )
    const got = this.#entries.filter(({ offset }) => offset >= from && offset < next)
    const difference = compareRange(from, want, got, ended)
    if (difference) {
      const { kind, offset, eventId, detail } = difference
      this.#suspect(Weight.proof, kind, offset, eventId, detail)
    } else {
      this.#suspicions = this.#suspicions.filter(
        ({ weight, offset }) => weight !== Weight.gap || offset < from || offset >= next,
      )
      // A later one's chain is compared only where everything before it was read, and read in order.
      const chain = this.#chainAt(next)
      if (chain !== null && chain !== chainHash && this.#suspicions.length === 0)
        this.#suspect(
          Weight.proof,
          'forked',
          from,
          null,
          'the chain before it is another than the checkpoint proves',
        )
      else this.#proven = next
    }
    // Two coordinators may have proven overlapping ranges: what a later one needs is kept.
    this.#entries = this.#entries.filter(
      ({ offset }) => offset >= next || this.#pending.some(later => later.from <= offset),
    )
    if (this.#suspicions.some(({ offset }) => offset < next)) this.#stopped = true
  }

  /** The chain stands at the last record read, which is the end of the range when nothing lies between them. */
  #chainAt(next: bigint): string | null {
    const last = this.#entries.at(-1)
    if (this.#chain === null || (last !== undefined && last.offset >= next)) return null
    return Buffer.from(this.#chain).toString('hex')
  }

  #suspect(weight: Weight, kind: Tampering, offset: bigint, eventId: string | null, detail: string): void {
    const { topic, partition } = this.options
    this.#suspicions.push({ weight, kind, subject: 'record', topic, partition, offset, eventId, detail })
  }
}

function first(suspicions: readonly Suspicion[]): Finding | null {
  let best: Suspicion | null = null
  for (const suspicion of suspicions) if (best === null || before(suspicion, best)) best = suspicion
  if (best === null) return null
  const { weight: _, ...finding } = best
  const others = suspicions.filter(other => other !== best && other.offset === best.offset)
  const eventId = finding.eventId ?? others.find(other => other.eventId !== null)?.eventId ?? null
  // A checkpoint names the record; its signature tells who is behind it.
  const signature = others.find(other => other.weight === Weight.signature)
  return {
    ...finding,
    eventId,
    detail: signature ? `${finding.detail}; ${signature.detail}` : finding.detail,
  }
}

function before(one: Suspicion, other: Suspicion): boolean {
  if (one.offset !== other.offset) return one.offset < other.offset
  if (one.kind === 'forked' || other.kind === 'forked') return one.kind === 'forked'
  if (one.subject !== other.subject) return one.subject === 'record'
  return one.weight > other.weight
}
