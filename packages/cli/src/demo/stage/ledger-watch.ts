import { categoryOf, type LedgerEvent, type Position, type TopicNames } from '@unwind/contracts'
import { foldTimeline, type RollbackSummary, type TimelineRecord } from '@unwind/core'
import type { EventLog, IncomingRecord, LogReader } from '@unwind/runtime'
import { createJudge, type Judge } from '../../tail/judge.js'
import { type Patience, waitFor } from './wait.js'

export type LedgerRecord = TimelineRecord & { readonly event: LedgerEvent }
export type LedgerListener = (record: LedgerRecord) => void

export interface LedgerWatchOptions {
  readonly log: EventLog
  readonly registryUrl: string
  readonly topics: TopicNames
  readonly trustFile: string
  readonly patience: Patience
  onFatal(error: Error): void
}

/**
 * The ledger as it grows, read from Kafka with every signature checked: the demo believes what was written, not what a
 * view shows, and waits for events instead of asking.
 */
export class LedgerWatch {
  readonly #rollbacks = new Map<string, LedgerRecord[]>()
  readonly #listeners = new Set<LedgerListener>()
  readonly #reader: LogReader
  #last: Promise<void> = Promise.resolve()
  /** Events that were read and whose signature and authority hold. */
  trusted = 0
  /** What nobody may act on, for people. */
  readonly distrusted: string[] = []
  /** The rollback for which somebody waits, or waited in vain. */
  waitingFor: string | null = null

  private constructor(
    private readonly options: LedgerWatchOptions,
    private readonly judge: Judge,
  ) {
    this.#reader = options.log.reader({
      topics: [options.topics.rollback],
      from: 'start',
      onRecords: records => {
        for (const record of records)
          this.#last = this.#last.then(() => this.#take(record)).catch(options.onFatal)
      },
      onFatal: options.onFatal,
    })
  }

  static async start(options: LedgerWatchOptions): Promise<LedgerWatch> {
    const { registryUrl: url, topics, trustFile } = options
    const watch = new LedgerWatch(options, await createJudge({ registry: { url }, topics, trustFile }))
    await watch.#reader.start()
    return watch
  }

  stop(): Promise<void> {
    return this.#reader.stop()
  }

  recordsOf(rollbackId: string): readonly LedgerRecord[] {
    return this.#rollbacks.get(rollbackId) ?? []
  }

  /** The same fold as everywhere (I8). @throws Error when the ledger holds nothing of it. */
  summaryOf(rollbackId: string): RollbackSummary {
    const records = this.recordsOf(rollbackId)
    const correlationId = records[0]?.event.data.correlationId ?? ''
    const found = foldTimeline(correlationId, records).rollbacks.find(one => one.rollbackId === rollbackId)
    if (!found) throw new Error(`the ledger holds nothing of rollback ${rollbackId}`)
    return found
  }

  /** Calls for each event of one rollback from now on. @returns how to end it. */
  follow(rollbackId: string, listener: LedgerListener): () => void {
    const mine: LedgerListener = record => {
      if (rollbackOf(record.event) === rollbackId) listener(record)
    }
    this.#listeners.add(mine)
    return () => void this.#listeners.delete(mine)
  }

  /** The first event of a rollback that fits, now or later. */
  async until(
    what: string,
    rollbackId: string,
    fits: (event: LedgerEvent) => boolean,
  ): Promise<LedgerRecord> {
    const there = this.recordsOf(rollbackId).find(({ event }) => fits(event))
    if (there) return there
    this.waitingFor = rollbackId
    const record = await waitFor<LedgerRecord>(what, this.options.patience, done =>
      this.follow(rollbackId, record => {
        if (fits(record.event)) done(record)
      }),
    )
    this.waitingFor = null
    return record
  }

  untilClosed(rollbackId: string): Promise<LedgerRecord> {
    return this.until(`rollback ${rollbackId} ends`, rollbackId, event => event.type === 'RollbackClosed')
  }

  async #take(record: IncomingRecord): Promise<void> {
    const { event, problem, distrust } = await this.judge.judge(record)
    const where = `${record.topic}/${record.partition}@${record.offset}`
    if (event === null || distrust !== null) {
      this.distrusted.push(`${where}: ${distrust ?? problem}`)
      return
    }
    this.trusted++
    if (categoryOf(event.type) !== 'rollback') return
    const position: Position = { topic: record.topic, partition: record.partition, offset: record.offset }
    const taken: LedgerRecord = { event: event as LedgerEvent, position }
    const rollbackId = rollbackOf(taken.event)
    const known = this.#rollbacks.get(rollbackId)
    if (known) known.push(taken)
    else this.#rollbacks.set(rollbackId, [taken])
    for (const listener of [...this.#listeners]) listener(taken)
  }
}

function rollbackOf(event: LedgerEvent): string {
  return 'rollbackId' in event.data ? (event.data.rollbackId ?? '') : ''
}
