import { type BeginningEvent, historyBegins, isFresh } from '@unwind/core'
import { type Followed, type IncomingRecord, type Peek, pause, type Timers } from '@unwind/runtime'

/** A part of one partition of the ledger. */
export interface HistoryRange {
  readonly partition: number
  /** From the first record at or after this moment, epoch ms. */
  readonly sinceMs: number
  /** The first offset that is not wanted. */
  readonly until: bigint
  readonly signal: AbortSignal
}

/** Reads it. @returns what was kept, in order, as far as it counts. Rejects when it cannot be read for now. */
export type ReadHistory = (
  range: HistoryRange,
  keeps: (peek: Peek, record: Pick<IncomingRecord, 'timestamp'>) => boolean,
) => Promise<readonly Followed[]>

export interface RecallOptions {
  readonly history: ReadHistory
  /** What clocks may differ, ms. */
  readonly clockMarginMs: number
  readonly logger: { warn(fields: object, message: string): void }
  readonly timers: Timers
  /** Epoch ms. */
  now(): number
}

/** What was passed over in a partition since it is held. */
interface Passed {
  /** Of rollbacks that `of` does not name, nothing since then was passed over, epoch ms. */
  since: number
  /** When the record at hand was written, epoch ms. */
  at: number
  /** Rollbacks that are not held here: when the last record of each was written, epoch ms. */
  readonly of: Map<string, number>
  readonly released: AbortController
}

/** Rollbacks that a partition remembers to have passed; of others, whatever it has read may have spoken. */
const REMEMBER_PASSED = 20_000
const RETRY_MS = [100, 500, 1_000, 5_000]

/** What moves a rollback that was requested. */
const MOVES: ReadonlySet<string | null> = new Set([
  'RollbackRequested',
  'RollbackClosed',
  'OperatorCommandIssued',
  'GateOpened',
  'SystemFenced',
  'LateActionDetected',
  'CompensationStarted',
  'CompensationCompleted',
  'CompensationFailed',
  'StepParked',
])

/**
 * A request or a command with which a rollback would begin here may have reached the ledger long after it was made, while what
 * happened to the rollback since lies below our offset. Then its history is read back first: it begins as if all had been read.
 */
export class Recall {
  readonly #partitions = new Map<number, Passed>()
  #stopped = false

  constructor(private readonly options: RecallOptions) {}

  /** A record of a partition is at hand. @param overlooked it moves nothing here, since its rollback is not held. */
  onRecord(
    { type, rollbackId }: Peek,
    { partition, timestamp }: Pick<IncomingRecord, 'partition' | 'timestamp'>,
    overlooked: boolean,
  ): void {
    const passed = this.#passed(partition, timestamp)
    passed.at = timestamp
    if (overlooked && rollbackId !== null && MOVES.has(type)) note(passed, rollbackId, timestamp)
  }

  /** Nothing lies between the offset from which we read and here. */
  onLive(partition: number): void {
    this.#passed(partition, this.options.now())
  }

  onReleased(partition: number): void {
    this.#partitions.get(partition)?.released.abort()
    this.#partitions.delete(partition)
  }

  stop(): void {
    this.#stopped = true
    for (const partition of [...this.#partitions.keys()]) this.onReleased(partition)
  }

  /** The event at hand was taken, and its rollback is none of ours. */
  pass({ rollbackId }: { readonly rollbackId: string }, partition: number): void {
    const passed = this.#partitions.get(partition)
    if (passed) note(passed, rollbackId, passed.at)
  }

  /**
   * What the ledger says of a rollback before the event that would begin it here; null: the event tells enough.
   * @param known the event cannot be enough, however new it is: it ended here, and who opens it again may have known less than we did;
   * or it is held here, from later than the event.
   */
  before(
    event: BeginningEvent,
    position: Followed['position'],
    known?: { readonly requestedAt: number | null },
  ): Promise<readonly Followed[]> | null {
    const passed = this.#passed(position.partition, this.options.now())
    if (known) return this.#read(event, position, passed, known.requestedAt)
    const last = Math.max(passed.since, passed.of.get(event.data.rollbackId) ?? 0)
    if (isFresh(event, last, this.options.clockMarginMs)) return null
    return this.#read(event, position, passed, null)
  }

  /** Never settles once the partition was released, or all is stopped: whoever holds it next reads the event again. */
  async #read(
    event: BeginningEvent,
    { partition, offset }: Followed['position'],
    passed: Passed,
    requestedAt: number | null,
  ): Promise<readonly Followed[]> {
    const { rollbackId, correlationId } = event.data
    const { signal } = passed.released
    const range = { partition, sinceMs: historyBegins(event, requestedAt), until: offset, signal }
    for (let attempt = 0; !signal.aborted && !this.#stopped; attempt++) {
      const found = new Map<string, number>()
      try {
        const history = await this.options.history(range, (peek, { timestamp }) => {
          if (peek.rollbackId === null || !MOVES.has(peek.type)) return false
          found.set(peek.rollbackId, timestamp)
          return peek.rollbackId === rollbackId
        })
        if (signal.aborted) break
        // Others that were made about then need no read of their own, unless something of them was among it.
        passed.since = Math.min(passed.since, range.sinceMs)
        for (const [id, at] of found) note(passed, id, at)
        return history
      } catch (error) {
        if (signal.aborted) break
        const where = { rollbackId, correlationId, partition, offset: String(offset), attempt }
        this.options.logger.warn(
          { ...where, reason: String(error) },
          `${event.type} came late, and what happened before it cannot be read yet; its partition waits`,
        )
        await pause(this.options.timers, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]!)
      }
    }
    return new Promise(() => {})
  }

  /** @param at a record that was read first, or the moment at which there was none yet, epoch ms. */
  #passed(partition: number, at: number): Passed {
    let passed = this.#partitions.get(partition)
    if (!passed) {
      passed = { since: Math.min(at, this.options.now()), at, of: new Map(), released: new AbortController() }
      this.#partitions.set(partition, passed)
    }
    return passed
  }
}

function note(passed: Passed, rollbackId: string, at: number): void {
  const last = Math.max(at, passed.of.get(rollbackId) ?? 0)
  passed.of.delete(rollbackId)
  passed.of.set(rollbackId, last)
  if (passed.of.size <= REMEMBER_PASSED) return
  const [oldest, forgotten] = passed.of.entries().next().value!
  passed.of.delete(oldest)
  passed.since = Math.max(passed.since, forgotten)
}
