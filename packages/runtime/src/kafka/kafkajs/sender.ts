import type { Failpoint } from '../../failpoint/failpoint.js'
import { type OutgoingRecord, TopicMissing, type WrittenAt } from '../port.js'
import { classify, messageOf } from './failures.js'
import { createErrorFromCode } from './internals.js'
import type { Link } from './link.js'
import { partitionOf } from './murmur2.js'
import { describe, tooLarge } from './publish-failures.js'
import type { DriverLog } from './settings.js'
import { Backoff } from './timing.js'
import { BATCH_HEADER_BYTES, encodeBatch, recordLength } from './wire/encode-batch.js'
import { type ProducedPartition, type ProducePartition, produceRequest } from './wire/produce.js'

/** A sealed record whose outcome is open. */
export interface Letter {
  readonly record: OutgoingRecord
  readonly deadline: number
  resolve(at: WrittenAt): void
  reject(error: Error): void
}

/** Letters for one partition that go in one record batch. */
interface Bundle {
  readonly topic: string
  readonly partition: number
  readonly letters: readonly Letter[]
  readonly bytes: number
}

/** How long a broker waits for its replicas; below the request's deadline, so that the answer comes first. */
const REPLICATION_TIMEOUT_MS = 8_000
/** A topic that was just created is unknown to some brokers for a moment. */
const MISSING_GRACE_MS = 5_000

/**
 * Carries one send to its end: every letter is resolved or rejected when `deliver` returns. Retries only what failed,
 * unchanged; a lost answer can thus write a record twice, never lose it.
 */
export class Sender {
  /** Nothing is tried again after this moment, epoch ms: whoever closes does not wait for a broker that is away. */
  #until = Number.POSITIVE_INFINITY

  constructor(
    readonly link: Link,
    readonly log: DriverLog,
    readonly maxBundleBytes: number,
    readonly failpoint: Failpoint = async () => undefined,
  ) {}

  giveUpAfter(ms: number): void {
    this.#until = Math.min(this.#until, Date.now() + ms)
  }

  async deliver(letters: readonly Letter[]): Promise<void> {
    const backoff = new Backoff()
    const started = Date.now()
    let open = letters
    let said = false
    let problem: unknown = null
    while (open.length > 0) {
      open = rejectOverdue(open, problem, this.#until)
      if (open.length === 0) return
      const outcome = await this.#attempt(open, started)
      open = outcome.left
      if (open.length === 0) break
      problem = outcome.problem
      if (!said) {
        this.log.warn(
          { records: open.length, err: problem },
          `Publishing failed and is tried again: ${messageOf(problem)}`,
        )
        said = true
      }
      await backoff.wait()
      if (outcome.refresh) await this.link.refresh().catch(() => undefined)
    }
    if (said) this.log.info({ afterMs: Date.now() - started }, 'Publishing works again.')
  }

  /** One try with everything that is open, over as many requests as leaders and batch sizes need. */
  async #attempt(open: readonly Letter[], started: number) {
    const left: Letter[] = []
    let problem: unknown = null
    let refresh = false
    const failed = (letters: readonly Letter[], error: unknown) => {
      const kind = classify(error)
      if (kind === 'fatal' || (kind === 'missing' && Date.now() - started > MISSING_GRACE_MS)) {
        for (const letter of letters) letter.reject(describe(letter.record, error))
        return
      }
      problem = error
      refresh ||= kind !== 'retry'
      left.push(...letters)
    }
    for (const round of await this.#rounds(open, failed)) {
      const byLeader = new Map<number, Bundle[]>()
      for (const bundle of round) {
        const leader = this.link.known(bundle.topic)?.leaders.get(bundle.partition) ?? -1
        if (leader < 0) failed(bundle.letters, createErrorFromCode(5))
        else byLeader.set(leader, [...(byLeader.get(leader) ?? []), bundle])
      }
      await Promise.all([...byLeader].map(([leader, bundles]) => this.#produce(leader, bundles, failed)))
    }
    return { left: inOrder(open, left), problem, refresh }
  }

  async #produce(
    leader: number,
    bundles: readonly Bundle[],
    failed: (letters: readonly Letter[], error: unknown) => void,
  ) {
    let produced: readonly ProducedPartition[]
    try {
      const broker = await this.link.node(leader)
      const now = Date.now()
      const partitions: ProducePartition[] = bundles.map(({ topic, partition, letters }) => ({
        topic,
        partition,
        batch: encodeBatch(
          letters.map(letter => letter.record),
          now,
        ),
      }))
      const request = produceRequest(partitions, REPLICATION_TIMEOUT_MS)
      produced = (await this.link.send<{ responses: ProducedPartition[] }>(broker, request)).responses
      await this.failpoint('kafka.after-send')
    } catch (error) {
      for (const bundle of bundles) failed(bundle.letters, error)
      return
    }
    for (const bundle of bundles) {
      const result = produced.find(one => one.partition === bundle.partition && one.topic === bundle.topic)
      if (result === undefined)
        failed(bundle.letters, new Error('The broker did not say what became of the records.'))
      else if (result.errorCode === 0) settle(bundle, result.baseOffset)
      else if (isTooLarge(result.errorCode) && bundle.letters.length > 1)
        await this.#oneByOne(leader, bundle, failed)
      else failed(bundle.letters, createErrorFromCode(result.errorCode))
    }
  }

  /** The topic takes less than the driver's limit: only the records that are too large themselves may fail. */
  async #oneByOne(
    leader: number,
    bundle: Bundle,
    failed: (letters: readonly Letter[], error: unknown) => void,
  ) {
    for (const letter of bundle.letters) {
      const bytes = BATCH_HEADER_BYTES + recordLength(letter.record)
      await this.#produce(leader, [{ ...bundle, letters: [letter], bytes }], failed)
    }
  }

  /** A request holds one batch per partition: what does not fit into it goes in the next round, in order. */
  async #rounds(
    open: readonly Letter[],
    failed: (letters: readonly Letter[], error: unknown) => void,
  ): Promise<Bundle[][]> {
    const partitions = await this.#partitionCounts(open, failed)
    const rounds: Map<string, { topic: string; partition: number; letters: Letter[]; bytes: number }>[] = []
    const roundOf = new Map<string, number>()
    for (const letter of open) {
      const { topic, key } = letter.record
      const count = partitions.get(topic)
      if (count === undefined) continue
      const bytes = recordLength(letter.record)
      if (bytes + BATCH_HEADER_BYTES > this.maxBundleBytes) {
        letter.reject(tooLarge(letter.record, bytes, this.maxBundleBytes))
        continue
      }
      const partition = partitionOf(key, count)
      const id = `${topic}/${partition}`
      let index = roundOf.get(id) ?? 0
      if ((rounds[index]?.get(id)?.bytes ?? 0) + bytes > this.maxBundleBytes) index++
      roundOf.set(id, index)
      rounds[index] ??= new Map()
      const bundle = rounds[index]!.get(id) ?? { topic, partition, letters: [], bytes: BATCH_HEADER_BYTES }
      bundle.letters.push(letter)
      bundle.bytes += bytes
      rounds[index]!.set(id, bundle)
    }
    return rounds.map(round => [...round.values()])
  }

  async #partitionCounts(
    open: readonly Letter[],
    failed: (letters: readonly Letter[], error: unknown) => void,
  ) {
    const counts = new Map<string, number>()
    for (const topic of new Set(open.map(letter => letter.record.topic))) {
      try {
        counts.set(topic, (await this.link.topic(topic)).leaders.size)
      } catch (error) {
        const missing = error instanceof TopicMissing ? createErrorFromCode(3) : error
        failed(
          open.filter(letter => letter.record.topic === topic),
          missing,
        )
      }
    }
    return counts
  }
}

function settle({ topic, partition, letters }: Bundle, baseOffset: bigint): void {
  for (const [index, letter] of letters.entries()) {
    letter.resolve({ topic, partition, offset: baseOffset + BigInt(index) })
  }
}

function rejectOverdue(open: readonly Letter[], problem: unknown, until: number): readonly Letter[] {
  const now = Date.now()
  return open.filter(letter => {
    if (problem === null || Math.min(letter.deadline, until) > now) return true
    letter.reject(describe(letter.record, problem))
    return false
  })
}

/** What is left keeps the order of the calls, so that one partition's records stay in order across retries. */
function inOrder(all: readonly Letter[], left: readonly Letter[]): readonly Letter[] {
  if (left.length === 0 || left.length === all.length) return left.length === 0 ? left : all
  const set = new Set(left)
  return all.filter(letter => set.has(letter))
}

const MESSAGE_TOO_LARGE = 10
const RECORD_LIST_TOO_LARGE = 18

function isTooLarge(code: number): boolean {
  return code === MESSAGE_TOO_LARGE || code === RECORD_LIST_TOO_LARGE
}
