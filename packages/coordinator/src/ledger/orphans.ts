import type { LedgerEvent, Recorded } from '@unwind/contracts'
import { pause, systemTimers, type Timers } from '@unwind/runtime'
import type { LedgerHistory, Told } from '../reading/ledger-reading.js'

/** A rollback that is not held here, of which more came: a system has found something, its next revision was requested, or a late notice was sent. */
export interface Orphan {
  readonly rollbackId: string
  readonly correlationId: string
  readonly partition: number
  /** Offset of what came: a restart must read it again. */
  readonly from: bigint
  /** What came. */
  readonly event: LedgerEvent
}

/** What is known of it while its history is read. */
interface Held extends Orphan {
  until: bigint
  recalling: boolean
  /** Somebody knows that it waits. */
  told: boolean
  /** Records in its name that were not taken: what they claim to be, and why not. */
  readonly refused: Map<string, string>
}

export interface OrphansOptions {
  /** Everything that the ledger says of a correlation ID below an offset. Rejects when it cannot be read for now. */
  historyOf(correlationId: string, until: bigint): Promise<LedgerHistory>
  /** @param refused records in its name that were not taken: what they claim to be, and why not. */
  adopt(orphan: Orphan, history: readonly Told[], refused: ReadonlyMap<string, string>): void
  /** Its history cannot be read for a while now. Asked again until it resolves. */
  unread?(orphan: Orphan, error: unknown): Promise<void>
  readonly logger: { warn(fields: object, message: string): void }
  /** Default: the system's. */
  readonly timers?: Timers
}

const RETRY_MS = [100, 500, 1_000, 5_000]
/** Attempts that failed: at least seven seconds. */
const TELL_AFTER = 4

/** Rollbacks that go on, and that this process does not hold: their history is read back first. */
export class Orphans {
  readonly #held = new Map<string, Held>()
  #stopped = false

  constructor(private readonly options: OrphansOptions) {}

  add(orphan: Orphan, live: boolean): void {
    const known = this.#held.get(orphan.rollbackId)
    if (known) known.until = orphan.from + 1n
    else {
      const held = { ...orphan, until: orphan.from + 1n, recalling: false, told: false, refused: new Map() }
      this.#held.set(orphan.rollbackId, held)
    }
    // In history the answer may lie further on.
    if (live) void this.#recall(orphan.rollbackId)
  }

  /** More is said of a rollback while its history is read: that belongs to it. @returns false: it is not one of these. */
  grow(
    rollbackId: string,
    { partition, offset }: Pick<Recorded['position'], 'partition' | 'offset'>,
  ): boolean {
    const orphan = this.#held.get(rollbackId)
    if (orphan?.partition !== partition) return false
    orphan.until = offset + 1n
    return true
  }

  /** A record in its name was not taken. */
  refuse(partition: number, rollbackId: string, claimed: string, message: string): void {
    const orphan = this.#held.get(rollbackId)
    if (orphan?.partition === partition && !orphan.refused.has(claimed)) orphan.refused.set(claimed, message)
  }

  /** Its history is not read yet. */
  holds(rollbackId: string): boolean {
    return this.#held.has(rollbackId)
  }

  onLive(partition: number): void {
    for (const orphan of [...this.#held.values()])
      if (orphan.partition === partition) void this.#recall(orphan.rollbackId)
  }

  onReleased(partition: number): void {
    for (const orphan of [...this.#held.values()])
      if (orphan.partition === partition) this.#held.delete(orphan.rollbackId)
  }

  oldest(partition: number): bigint | null {
    let oldest: bigint | null = null
    for (const orphan of this.#held.values())
      if (orphan.partition === partition && (oldest === null || orphan.from < oldest)) oldest = orphan.from
    return oldest
  }

  stop(): void {
    this.#stopped = true
    this.#held.clear()
  }

  async #recall(rollbackId: string): Promise<void> {
    const orphan = this.#held.get(rollbackId)
    if (!orphan || orphan.recalling) return
    orphan.recalling = true
    for (let attempt = 0; !this.#stopped && this.#held.get(rollbackId) === orphan; attempt++) {
      const { until } = orphan
      try {
        const { events, refused } = await this.options.historyOf(orphan.correlationId, until)
        if (this.#held.get(rollbackId) !== orphan) return
        // More was said while the history was read.
        if (orphan.until > until) continue
        for (const { claimed, message, ...of } of refused)
          if (of.rollbackId === rollbackId) this.refuse(orphan.partition, rollbackId, claimed, message)
        this.options.adopt(orphan, events, orphan.refused)
        this.#held.delete(rollbackId)
        return
      } catch (error) {
        const { correlationId } = orphan
        this.options.logger.warn(
          { rollbackId, correlationId, reason: String(error) },
          'it goes on, and what happened before cannot be read yet',
        )
        if (attempt >= TELL_AFTER) await this.#tell(orphan, error)
        const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]!
        await pause(this.options.timers ?? systemTimers, wait)
      }
    }
  }

  async #tell(orphan: Held, error: unknown): Promise<void> {
    if (orphan.told || !this.options.unread) return
    try {
      await this.options.unread(orphan, error)
      orphan.told = true
    } catch {
      // Its sender has said why; it is asked again with the next attempt.
    }
  }
}

/**
 * What goes on with a rollback that began before it: what a system finds after the end, a request, an operator's command. Alone it
 * does not tell how much was restored, which decides the next end (I3), nor whether the rollback has ended: a request can be
 * written twice, and its copy lie behind outcomes that nobody says again (I8).
 */
export function goesOn({ type }: LedgerEvent): boolean {
  return type === 'RollbackRequested' || type === 'OperatorCommandIssued' || type === 'LateActionDetected'
}
