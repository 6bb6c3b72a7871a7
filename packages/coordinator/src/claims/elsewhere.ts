import { type LedgerEvent, type Plan, peekHeaders } from '@unwind/contracts'
import {
  type EventLog,
  type IncomingRecord,
  type LogAdmin,
  type LogReader,
  pause,
  systemTimers,
  type Timers,
} from '@unwind/runtime'
import type { TrustedRecords } from '../catalogue/trusted-records.js'
import type { LedgerFollowing } from '../escalation/beside-loop.js'
import type { LedgerHistory } from '../reading/ledger-reading.js'
import { EndedElsewhere } from './ended-elsewhere.js'
import { planIn } from './plan-in.js'

export interface ElsewhereOptions {
  readonly log: EventLog
  readonly admin: Pick<LogAdmin, 'committed' | 'describeTopics' | 'offsets'>
  /** The ledger. */
  readonly topic: string
  /** The coordinators' group: what it has not committed may be open. */
  readonly groupId: string
  readonly trusted: TrustedRecords
  readonly claims: {
    hold(plan: Plan): void
    release(rollbackId: string): void
    known(): void
  }
  /** Everything that the ledger says of a correlation ID below an offset. Rejects when it cannot be read for now. */
  historyOf(correlationId: string, until: bigint): Promise<LedgerHistory>
  /** Whether this process folds the partition itself. */
  owns(partition: number): boolean
  readonly logger: { warn(fields: object, message: string): void }
  onFatal(error: Error): void
  /** Default: the system's. */
  readonly timers?: Timers
}

const RETRY_MS = 1_000

/**
 * Requests and endings in the partitions of other coordinators. What this process owns is paused, so that a coordinator
 * that is alone reads nothing twice; what it loses goes on from where it was paused.
 */
export class ClaimsElsewhere {
  readonly #caughtUp = new Set<number>()
  readonly #ends = new Map<number, bigint>()
  readonly #positions = new Map<number, bigint>()
  readonly #pauseAt = new Map<number, bigint>()
  readonly #ended = new EndedElsewhere()
  #partitions: readonly number[] = []
  #reader: LogReader | null = null
  #stopped = false
  /** Records are taken one after the other: an ending must not overtake its request. */
  #taking: Promise<void> = Promise.resolve()

  constructor(private readonly options: ElsewhereOptions) {}

  /** Every partition is owned here, or was read up to where it ended when this began. */
  get complete(): boolean {
    return (
      this.#partitions.length > 0 &&
      this.#partitions.every(p => this.#caughtUp.has(p) || this.options.owns(p))
    )
  }

  async start(): Promise<void> {
    const { log, admin, topic, groupId, onFatal } = this.options
    const [state] = await admin.describeTopics([topic])
    this.#partitions = Array.from({ length: state!.partitions }, (_, partition) => partition)
    const [committed, ends] = await Promise.all([admin.committed(groupId, topic), admin.offsets(topic)])
    const offsets = new Map<number, bigint>()
    for (const partition of this.#partitions) {
      const from = committed.get(partition) ?? null
      if (from !== null) offsets.set(partition, from)
      const { start = 0n, end = 0n } = ends.get(partition) ?? {}
      const first = from !== null && from > start ? from : start
      this.#positions.set(partition, first)
      if (end <= first) this.#caughtUp.add(partition)
      else this.#ends.set(partition, end)
    }
    this.#reader = log.reader({
      topics: [topic],
      from: { offsets },
      onRecords: records => {
        this.#taking = this.#taking.then(() => this.#take(records))
      },
      onFatal,
    })
    await this.#reader.start()
    for (const partition of this.#partitions) if (this.options.owns(partition)) await this.owned(partition)
  }

  /** This process folds it: what lies in it by now is still read here, since an ending may lie before what is folded again. */
  async owned(partition: number): Promise<void> {
    this.options.claims.known()
    const { end } = (await this.options.admin.offsets(this.options.topic)).get(partition) ?? { end: 0n }
    // Lost while the end was asked for: paused now, it would never be resumed, and nobody would hear what ends in it (I1).
    if (!this.options.owns(partition)) return
    this.#pauseAt.set(partition, end)
    this.#pauseIfPassed(partition)
  }

  /** It is read twice until it changes hands: no harm is done by that. */
  failed(partition: number, error: unknown): void {
    this.options.logger.warn({ partition, reason: String(error) }, 'a partition is read twice for its claims')
  }

  /** Another process has it. */
  lost(partition: number): void {
    this.#pauseAt.delete(partition)
    this.#reader?.resume([{ topic: this.options.topic, partition }])
  }

  #pauseIfPassed(partition: number): void {
    const at = this.#pauseAt.get(partition)
    if (at === undefined || (this.#positions.get(partition) ?? 0n) < at) return
    this.#reader?.pause([{ topic: this.options.topic, partition }])
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#reader?.stop()
    await this.#taking
  }

  async #take(records: readonly IncomingRecord[]): Promise<void> {
    for (const record of records) {
      // While the registry is away each would take as long as its time-out.
      if (this.#stopped) return
      this.#ended.onRecord(record)
      const { type } = peekHeaders(record.headers)
      if (type !== 'RollbackRequested' && type !== 'RollbackClosed') continue
      await this.#insist(record, type)
    }
    const last = records.at(-1)
    if (!last) return
    this.#positions.set(last.partition, last.offset + 1n)
    this.#pauseIfPassed(last.partition)
    if (last.offset + 1n < (this.#ends.get(last.partition) ?? 0n)) return
    if (this.#caughtUp.has(last.partition)) return
    this.#caughtUp.add(last.partition)
    this.options.claims.known()
  }

  /** What reads it may be away (the registry, the view). Passed over, it would hold nothing, and another could be requested over it. */
  async #insist(record: IncomingRecord, type: string): Promise<void> {
    for (;;) {
      try {
        return await this.#takeOne(record)
      } catch (error) {
        const { partition, offset } = record
        const fields = { partition, offset: String(offset), reason: String(error) }
        this.options.logger.warn(fields, `${type} of another coordinator cannot be read for its claims yet`)
        if (this.#stopped) return
        await pause(this.options.timers ?? systemTimers, RETRY_MS)
      }
    }
  }

  async #takeOne(record: IncomingRecord): Promise<void> {
    const taken = await this.options.trusted.take(record)
    if (taken.kind !== 'event') return
    const { event } = taken
    if (event.type === 'RollbackClosed') {
      this.options.claims.release(event.data.rollbackId)
      this.#ended.note(event, record)
    } else if (event.type === 'RollbackRequested' && !(await this.#isOver(event, record))) {
      const plan = planIn(event.data)
      if (plan) this.options.claims.hold(plan)
    }
  }

  /** A copy of the request of what has ended. Where that end may lie below the first offset that was read here, it is looked for. */
  async #isOver(
    request: Extract<LedgerEvent, { type: 'RollbackRequested' }>,
    record: IncomingRecord,
  ): Promise<boolean> {
    if (this.#ended.has(request)) return true
    if (!this.#ended.mayHave(request, record)) return false
    const { rollbackId, correlationId } = request.data
    const { events } = await this.options.historyOf(correlationId, record.offset)
    for (const { event } of events)
      if (event.type === 'RollbackClosed' && event.data.rollbackId === rollbackId)
        this.#ended.note(event, record)
    return this.#ended.has(request)
  }
}

/** The loop, and beside it the reading of what it does not own. */
export function withClaims(
  loop: LedgerFollowing,
  elsewhere: Pick<ClaimsElsewhere, 'owned' | 'lost' | 'failed'>,
): LedgerFollowing {
  return {
    onEvent: (followed, approver) => loop.onEvent(followed, approver),
    onRefused: (...refused) => loop.onRefused(...refused),
    onLive(partition) {
      loop.onLive(partition)
      elsewhere.owned(partition).catch(error => elsewhere.failed(partition, error))
    },
    onReleased(partition) {
      loop.onReleased(partition)
      elsewhere.lost(partition)
    },
    oldestNeeded: partition => loop.oldestNeeded(partition),
  }
}
