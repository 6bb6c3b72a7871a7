import { type ActionEvent, HEADER, type LedgerEvent, type Recorded } from '@unwind/contracts'
import { type Coordination, foldCoordination, type TimelineRecord } from '@unwind/core'
import type { IncomingRecord } from '@unwind/runtime'
import type { RecordSource } from '../catalogue/record-source.js'
import type { TrustedRecords } from '../catalogue/trusted-records.js'
import type { RedisView } from '../view/redis-view.js'

export interface FoundRollback {
  readonly correlationId: string
  readonly coordination: Coordination
  readonly events: readonly Recorded<LedgerEvent>[]
}

export interface ReadingOptions {
  readonly view: Pick<RedisView, 'correlationsOf' | 'recentRollbacks'>
  readonly ledger: RecordSource
  readonly actions: RecordSource
  readonly trusted: TrustedRecords
}

const FRESH_WITHIN_MS = 2_000

/** What the ledger says, for people and for rollbacks that this process does not hold: read from the view, verified, folded. */
export class LedgerReading {
  constructor(private readonly options: ReadingOptions) {}

  /** Everything about a correlation ID below an offset of its ledger partition. @throws ViewUnavailable @throws ViewBehind */
  async historyOf(correlationId: string, until: bigint): Promise<readonly Recorded<LedgerEvent>[]> {
    const { records } = await this.options.ledger.until(correlationId, until, FRESH_WITHIN_MS)
    return this.#ledgerEvents(records)
  }

  /**
   * One rollback. Null: nothing in the view names it.
   * @param fresh include everything that is in the log now, for decisions; otherwise what the view has, for people.
   * @throws ViewUnavailable @throws ViewBehind
   */
  rollback(rollbackId: string, fresh: boolean): Promise<FoundRollback | null> {
    return this.#find(rollbackId, correlationId => this.#eventsOf(correlationId, fresh))
  }

  async #find(
    rollbackId: string,
    eventsOf: (correlationId: string) => Promise<readonly Recorded<LedgerEvent>[]>,
  ): Promise<FoundRollback | null> {
    // The index is made from headers, which anyone could write: each candidate must stand up to its own records.
    for (const correlationId of await this.options.view.correlationsOf(rollbackId)) {
      const found = folded(correlationId, rollbackId, await eventsOf(correlationId))
      if (found) return found
    }
    return null
  }

  async #eventsOf(correlationId: string, fresh: boolean): Promise<readonly Recorded<LedgerEvent>[]> {
    const { ledger } = this.options
    const records = fresh
      ? (await ledger.complete(correlationId, FRESH_WITHIN_MS)).records
      : await ledger.sofar(correlationId)
    return this.#ledgerEvents(records)
  }

  /** Latest first. @throws ViewUnavailable */
  async *recent(scan: number): AsyncGenerator<FoundRollback> {
    // Many rollbacks of one correlation ID have their records in common: read and verified once.
    const read = new Map<string, Promise<readonly Recorded<LedgerEvent>[]>>()
    const eventsOf = (correlationId: string) => {
      const known = read.get(correlationId) ?? this.#eventsOf(correlationId, false)
      read.set(correlationId, known)
      return known
    }
    for (const rollbackId of await this.options.view.recentRollbacks(scan)) {
      const found = await this.#find(rollbackId, eventsOf)
      if (found) yield found
    }
  }

  /** Both topics' records of a correlation ID that the view has now. @throws ViewUnavailable */
  async timelineOf(correlationId: string): Promise<readonly TimelineRecord[]> {
    const [actions, ledger] = await Promise.all([
      this.options.actions.sofar(correlationId),
      this.options.ledger.sofar(correlationId),
    ])
    return (await this.#take([...actions, ...ledger])) as readonly Recorded<LedgerEvent | ActionEvent>[]
  }

  async #ledgerEvents(records: readonly IncomingRecord[]): Promise<readonly Recorded<LedgerEvent>[]> {
    return (await this.#take(records)) as readonly Recorded<LedgerEvent>[]
  }

  async #take(records: readonly IncomingRecord[]): Promise<readonly Recorded[]> {
    const taken: Recorded[] = []
    // A copy of what was taken says nothing new, and whoever may write the topic can write thousands.
    const seen = new Set<string>()
    for (const record of records) {
      const { [HEADER.id]: id, [HEADER.signature]: signature, [HEADER.proof]: proof } = record.headers
      const name = `${record.topic} ${id} ${signature} ${proof}`
      if (seen.has(name)) continue
      const item = await this.options.trusted.take(record)
      if (item.kind !== 'event') continue
      seen.add(name)
      taken.push({ event: item.event, position: item.opened.position })
    }
    return taken
  }
}

function folded(
  correlationId: string,
  rollbackId: string,
  all: readonly Recorded<LedgerEvent>[],
): FoundRollback | null {
  const events = all.filter(recorded => recorded.event.data.rollbackId === rollbackId)
  let coordination: Coordination | null = null
  for (const recorded of events) coordination = foldCoordination(coordination, recorded)
  return coordination && { correlationId, coordination, events }
}
