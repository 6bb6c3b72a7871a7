import { type ActionEvent, HEADER, type LedgerEvent, peekHeaders, type Recorded } from '@unwind/contracts'
import { type Coordination, foldCoordination, type TimelineRecord } from '@unwind/core'
import type { IncomingRecord, Signer } from '@unwind/runtime'
import type { RecordSource } from '../catalogue/record-source.js'
import type { TrustedRecords } from '../catalogue/trusted-records.js'
import type { IndexPlace, RollbackIndex } from '../view/rollback-index.js'
import type { RollbackPage, RollbackQuery } from './page.js'
import { pageOf, placesIn } from './page.js'
import { Slices } from './slices.js'

export interface FoundRollback {
  readonly correlationId: string
  readonly coordination: Coordination
  readonly events: readonly Recorded<LedgerEvent>[]
}

/** An event of the ledger, as its reader has made sure of it. */
export interface Told extends Recorded<LedgerEvent> {
  /** Whose key made the approval inside an ApprovalGranted. */
  readonly approver?: Signer
  readonly traceparent?: string
}

/** A record in the name of a rollback that was not taken. */
export interface Untaken {
  readonly rollbackId: string
  /** The type that it claims to be. */
  readonly claimed: string
  readonly message: string
}

export interface LedgerHistory {
  readonly events: readonly Told[]
  readonly refused: readonly Untaken[]
}

export interface ReadingOptions {
  readonly index: Pick<RollbackIndex, 'correlationsOf' | 'page'>
  readonly ledger: RecordSource
  readonly actions: RecordSource
  readonly trusted: TrustedRecords
}

/** Both topics' records of a correlation ID, as far as they are shown. */
export interface ShownTimeline {
  readonly records: readonly TimelineRecord[]
  /** Records of the actions topic and of the ledger that are not shown, because there are too many. */
  readonly omitted: number
  /** The view is being built again and may lack records. */
  readonly stale: boolean
}

const FRESH_WITHIN_MS = 2_000
/** Of each topic; whoever needs more reads the log. */
const MOST_SHOWN = 5_000
/** Verifying so many takes a few hundredths of a second; others want to be answered too. */
const BREATHE_EVERY = 1_000

/** What the ledger says, for people and for rollbacks that this process does not hold: read from the view, verified, folded. */
export class LedgerReading {
  constructor(private readonly options: ReadingOptions) {}

  /** Everything about a correlation ID below an offset of its ledger partition. @throws ViewUnavailable @throws ViewBehind */
  async historyOf(correlationId: string, until: bigint): Promise<LedgerHistory> {
    const { records } = await this.options.ledger.until(correlationId, until, FRESH_WITHIN_MS)
    // The view may be further; who follows the log takes the rest from there, and must not take it twice.
    const refused: Untaken[] = []
    const note = (record: IncomingRecord, message: string) => {
      const { type, rollbackId } = peekHeaders(record.headers)
      if (rollbackId !== null) refused.push({ rollbackId, claimed: type ?? 'a record', message })
    }
    const below = records.filter(({ offset }) => offset < until)
    return { events: (await this.#take(below, undefined, note)) as readonly Told[], refused }
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
    for (const correlationId of await this.options.index.correlationsOf(rollbackId)) {
      const found = folded(correlationId, rollbackId, await eventsOf(correlationId))
      if (found) return found
    }
    return null
  }

  async #eventsOf(correlationId: string, fresh: boolean): Promise<readonly Recorded<LedgerEvent>[]> {
    const { ledger } = this.options
    const records = fresh
      ? (await ledger.complete(correlationId, FRESH_WITHIN_MS)).records
      : (await ledger.sofar(correlationId, MOST_SHOWN)).records
    return (await this.#take(records, fresh ? undefined : new Slices())) as readonly Recorded<LedgerEvent>[]
  }

  /** Rollbacks, latest first, and where the next page begins. @throws ViewUnavailable */
  async page(query: RollbackQuery): Promise<RollbackPage> {
    const eventsOf = this.#reader()
    const { correlationId } = query
    return pageOf(query, {
      places: async (after, limit) =>
        correlationId === undefined
          ? this.options.index.page(query, after, query.since, limit)
          : placesIn(await eventsOf(correlationId), after, limit),
      find: rollbackId => this.#find(rollbackId, eventsOf),
    })
  }

  /** The latest rollbacks, latest first, so many at most. @throws ViewUnavailable */
  async *recent(most: number): AsyncGenerator<FoundRollback> {
    const eventsOf = this.#reader()
    let after: IndexPlace | null = null
    for (let left = most; left > 0; ) {
      const places: readonly IndexPlace[] = await this.options.index.page(
        {},
        after,
        null,
        Math.min(left, 100),
      )
      for (const place of places) {
        const found = await this.#find(place.rollbackId, eventsOf)
        if (found) yield found
        after = place
      }
      if (places.length === 0) return
      left -= places.length
    }
  }

  /** Many rollbacks of one correlation ID have their records in common: read and verified once. */
  #reader(): (correlationId: string) => Promise<readonly Recorded<LedgerEvent>[]> {
    const read = new Map<string, Promise<readonly Recorded<LedgerEvent>[]>>()
    return correlationId => {
      const known = read.get(correlationId) ?? this.#eventsOf(correlationId, false)
      read.set(correlationId, known)
      return known
    }
  }

  /** Every rollback of a correlation ID as the log has them now. @throws ViewUnavailable @throws ViewBehind */
  async ledgerOf(correlationId: string): Promise<readonly Recorded<LedgerEvent>[]> {
    return this.#eventsOf(correlationId, true)
  }

  /** Both topics' records of a correlation ID that the view has now. @throws ViewUnavailable */
  async timelineOf(correlationId: string): Promise<ShownTimeline> {
    const [actions, ledger] = await Promise.all([
      this.options.actions.sofar(correlationId, MOST_SHOWN),
      this.options.ledger.sofar(correlationId, MOST_SHOWN),
    ])
    const records = await this.#take([...actions.records, ...ledger.records], new Slices())
    const omitted = actions.total - actions.records.length + (ledger.total - ledger.records.length)
    return {
      records: records as readonly Recorded<LedgerEvent | ActionEvent>[],
      omitted,
      stale: actions.stale || ledger.stale,
    }
  }

  /** @param slices for people, who can wait for others; a decision is made in one go, or nearly. */
  async #take(
    records: readonly IncomingRecord[],
    slices?: Slices,
    refused?: (record: IncomingRecord, message: string) => void,
  ): Promise<readonly Recorded[]> {
    const taken: Recorded[] = []
    // A copy of what was taken says nothing new, and whoever may write the topic can write thousands.
    const seen = new Set<string>()
    let sinceBreath = 0
    for (const record of records) {
      if (slices?.isOver) await slices.breathe()
      else if (++sinceBreath % BREATHE_EVERY === 0) await new Promise(resolve => setImmediate(resolve))
      const { [HEADER.id]: id, [HEADER.signature]: signature, [HEADER.proof]: proof } = record.headers
      const name = `${record.topic} ${id} ${signature} ${proof}`
      if (seen.has(name)) continue
      const item = await this.options.trusted.take(record)
      if (item.kind !== 'event') {
        refused?.(record, item.message)
        continue
      }
      seen.add(name)
      const traceparent = record.headers[HEADER.traceparent]
      taken.push({
        event: item.event,
        position: item.opened.position,
        ...(traceparent === undefined ? {} : { traceparent }),
        ...(item.approver ? { approver: item.approver } : {}),
      } as Recorded)
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

/** The rollbacks that a timeline's records tell of, each with its own events. */
export function rollbacksIn(
  correlationId: string,
  records: readonly TimelineRecord[],
): readonly FoundRollback[] {
  const ledger = records.filter(({ event }) => 'rollbackId' in event.data) as readonly Recorded<LedgerEvent>[]
  const ids = new Set(ledger.map(({ event }) => event.data.rollbackId))
  return [...ids].map(id => folded(correlationId, id, ledger)).filter(found => found !== null)
}
