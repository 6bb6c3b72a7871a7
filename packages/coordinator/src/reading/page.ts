import type { LedgerEvent, Recorded } from '@unwind/contracts'
import type { RollbackLine } from '@unwind/core'
import { type IndexFilter, type IndexPlace, isAfter } from '../view/rollback-index.js'
import type { FoundRollback } from './ledger-reading.js'
import { rollbackLine } from './rollback-view.js'

export interface RollbackQuery extends IndexFilter {
  /** Only those of this correlation ID. */
  readonly correlationId?: string | undefined
  /** Only those that began at or after; epoch ms. Null: all. */
  readonly since: number | null
  /** Only those that began before; epoch ms. Null: all. */
  readonly until: number | null
  /** Where the page before ended; null: the first page. */
  readonly after: IndexPlace | null
  readonly limit: number
}

export interface RollbackPage {
  readonly rollbacks: readonly RollbackLine[]
  /** Give it back for what comes after; null: that was all. */
  readonly nextCursor: string | null
}

export interface PageSource {
  places(after: IndexPlace | null, limit: number): Promise<readonly IndexPlace[]>
  find(rollbackId: string): Promise<FoundRollback | null>
}

const CHUNK = 100
/** So many are looked at for one page; the cursor goes on behind them, so that a rare state is found in several calls. */
const MOST_LOOKED_AT = 2_000

/**
 * One page of a list. A place is where a rollback began, which never changes: what begins meanwhile comes before the first
 * page, so no page repeats or misses one.
 */
export async function pageOf(query: RollbackQuery, source: PageSource): Promise<RollbackPage> {
  const rollbacks: RollbackLine[] = []
  let after = query.after ?? (query.until === null ? null : { at: query.until, rollbackId: '' })
  for (let looked = 0; looked < MOST_LOOKED_AT; ) {
    const places = await source.places(after, CHUNK)
    for (const place of places) {
      if (query.since !== null && place.at < query.since) return { rollbacks, nextCursor: null }
      after = place
      looked++
      const found = await source.find(place.rollbackId)
      if (!found || !fits(found, query)) continue
      rollbacks.push(rollbackLine(found))
      if (rollbacks.length >= query.limit) return { rollbacks, nextCursor: formatCursor(place) }
    }
    if (places.length < CHUNK) return { rollbacks, nextCursor: null }
  }
  return { rollbacks, nextCursor: after && formatCursor(after) }
}

function fits(found: FoundRollback, query: RollbackQuery): boolean {
  const line = rollbackLine(found)
  return (
    (query.phase === undefined || line.phase === query.phase) &&
    (query.endState === undefined || line.endState === query.endState) &&
    (query.correlationId === undefined || line.correlationId === query.correlationId) &&
    (query.system === undefined || line.systems.includes(query.system)) &&
    (query.incidentClass === undefined || line.incidentClass === query.incidentClass) &&
    (query.release === undefined || line.release === query.release)
  )
}

export function formatCursor({ at, rollbackId }: IndexPlace): string {
  return Buffer.from(`${at} ${rollbackId}`).toString('base64url')
}

/** @returns null for a text that is no cursor of ours. */
export function parseCursor(text: string): IndexPlace | null {
  const match = /^(\d{1,16}(?:\.\d+)?) (\S{1,200})$/.exec(Buffer.from(text, 'base64url').toString())
  return match ? { at: Number(match[1]), rollbackId: match[2]! } : null
}

/** Places of the rollbacks of one correlation ID, from its own events: their first moments, latest first. */
export function placesIn(
  events: readonly Recorded<LedgerEvent>[],
  after: IndexPlace | null,
  limit: number,
): readonly IndexPlace[] {
  const first = new Map<string, number>()
  for (const { event } of events) {
    const { rollbackId, occurredAt } = event.data
    if (!first.has(rollbackId)) first.set(rollbackId, occurredAt)
  }
  const places = [...first].map(([rollbackId, at]) => ({ rollbackId, at }))
  places.sort((a, b) => b.at - a.at || (a.rollbackId < b.rollbackId ? 1 : -1))
  const rest = after === null ? places : places.filter(place => isAfter(place, after))
  return rest.slice(0, limit)
}
