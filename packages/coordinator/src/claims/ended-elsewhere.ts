import { closedRevision, type LedgerEvent } from '@unwind/contracts'
import { CLOCK_MARGIN_MS } from '@unwind/core'
import type { IncomingRecord } from '@unwind/runtime'

type Requested = Extract<LedgerEvent, { type: 'RollbackRequested' }>
type Closed = Extract<LedgerEvent, { type: 'RollbackClosed' }>

interface End {
  /** The last revision that ended. */
  readonly revision: number
  readonly partition: number
  /** Epoch ms by the broker's clock. */
  readonly at: number
}

/**
 * Rollbacks of others that ended, and up to when more may have ended that is not known here. A copy of the request of what has ended
 * must hold nothing: nobody would ever end it again, and whoever wants its places would wait for ever (I7).
 */
export class EndedElsewhere {
  readonly #ends = new Map<string, End>()
  /** By partition: of what was requested before, the end may lie below the offset from which we read; epoch ms by the broker's clock. */
  readonly #unknownUntil = new Map<number, number>()

  constructor(private readonly remembered = 50_000) {}

  /** A record of a partition is at hand. */
  onRecord({
    partition,
    offset,
    timestamp,
  }: Pick<IncomingRecord, 'partition' | 'offset' | 'timestamp'>): void {
    if (this.#unknownUntil.has(partition)) return
    // Nothing lies below the first record of all.
    this.#unknownUntil.set(partition, offset === 0n ? Number.NEGATIVE_INFINITY : timestamp)
  }

  note({ data: { rollbackId, eventId } }: Closed, { partition, timestamp: at }: IncomingRecord): void {
    const revision = Math.max(closedRevision(eventId), this.#ends.get(rollbackId)?.revision ?? 0)
    this.#ends.set(rollbackId, { revision, partition, at })
    if (this.#ends.size <= this.remembered) return
    const [oldest, end] = this.#ends.entries().next().value!
    this.#ends.delete(oldest)
    const until = this.#unknownUntil.get(end.partition) ?? end.at
    this.#unknownUntil.set(end.partition, Math.max(until, end.at))
  }

  has({ data: { rollbackId, revision } }: Requested): boolean {
    return revision <= (this.#ends.get(rollbackId)?.revision ?? 0)
  }

  /** It was made when its rollback may already have ended unknown to us. */
  mayHave({ data }: Requested, { partition }: IncomingRecord): boolean {
    const until = this.#unknownUntil.get(partition) ?? Number.POSITIVE_INFINITY
    return data.occurredAt <= until + CLOCK_MARGIN_MS
  }
}
