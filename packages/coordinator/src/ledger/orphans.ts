import type { LedgerEvent, Recorded } from '@unwind/contracts'
import { pause, systemTimers, type Timers } from '@unwind/runtime'

/** A rollback that has ended, of which more came: a system has found something, its next revision was requested, or a late notice was sent. */
export interface Orphan {
  readonly rollbackId: string
  readonly correlationId: string
  readonly partition: number
  /** Offset of the finding, or of the revision: a restart must read it again. */
  readonly from: bigint
}

export interface OrphansOptions {
  /** Everything that the ledger says of a correlation ID below an offset. Rejects when it cannot be read for now. */
  historyOf(correlationId: string, until: bigint): Promise<readonly Recorded<LedgerEvent>[]>
  adopt(orphan: Orphan, history: readonly Recorded<LedgerEvent>[]): void
  readonly logger: { warn(fields: object, message: string): void }
  /** Default: the system's. */
  readonly timers?: Timers
}

const RETRY_MS = [100, 500, 1_000, 5_000]

/** Rollbacks that go on after their end, and that this process no longer holds: their history is read back first. */
export class Orphans {
  readonly #held = new Map<string, Orphan & { until: bigint; recalling: boolean }>()
  #stopped = false

  constructor(private readonly options: OrphansOptions) {}

  add(orphan: Orphan, live: boolean): void {
    const known = this.#held.get(orphan.rollbackId)
    if (known) known.until = orphan.from + 1n
    else this.#held.set(orphan.rollbackId, { ...orphan, until: orphan.from + 1n, recalling: false })
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
        const history = await this.options.historyOf(orphan.correlationId, until)
        if (this.#held.get(rollbackId) !== orphan) return
        // More was said while the history was read.
        if (orphan.until > until) continue
        this.options.adopt(orphan, history)
        this.#held.delete(rollbackId)
        return
      } catch (error) {
        const { correlationId } = orphan
        this.options.logger.warn(
          { rollbackId, correlationId, reason: String(error) },
          'more came after the end, and the history cannot be read yet',
        )
        const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]!
        await pause(this.options.timers ?? systemTimers, wait)
      }
    }
  }
}

/**
 * What a system finds after the end, or the revision that names it: the rollback is no longer held here, its history is. A revision
 * alone tells where each step stands, not how much of it was restored, and that decides the next end (I3).
 */
export function isSequel(event: LedgerEvent): boolean {
  if (event.type === 'RollbackRequested') return event.data.revision > 1
  return event.type === 'LateActionDetected'
}
