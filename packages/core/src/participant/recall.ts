import type { EventOf } from '@unwind/contracts'

/** An event with which a sidecar can begin a rollback of which it holds nothing: it carries the plan, and where each step stood. */
export type BeginningEvent = EventOf<'RollbackRequested'> | EventOf<'OperatorCommandIssued'>

/**
 * What the clocks of emitters and brokers may differ, ms. Servers that keep their time differ by some tens of milliseconds; a
 * maker's view of the ledger, which its snapshot is taken from, lies behind by less than seconds.
 */
export const CLOCK_MARGIN_MS = 5_000

/**
 * Whether an event was made after all of its rollback that its reader has passed over: then its snapshot tells enough. One that was
 * made before reached the ledger late, or again, and its snapshot may be overtaken by a pause, an abort, a skip or the end (I5, I6).
 *
 * @param passedAt up to when the reader may have passed over something of that rollback, epoch ms by the broker's clock.
 */
export function isFresh({ data }: BeginningEvent, passedAt: number, marginMs: number): boolean {
  return data.occurredAt > passedAt + marginMs
}

/** Where nothing says when the first revision was requested, ms. A rollback that waits for people longer than this is rare. */
const LOOK_BACK_MS = 24 * 3_600_000
/** Before an event says that its rollback began, a coordinator that it was taken over from may have requested the same, ms. */
const TAKEOVER_MS = 60_000

/**
 * From when on the ledger may tell of the rollback that an event is about, epoch ms.
 * @param requestedAt when its first request was made, epoch ms; null: only the event may tell.
 */
export function historyBegins({ type, data }: BeginningEvent, requestedAt: number | null = null): number {
  if (requestedAt !== null) return Math.min(requestedAt, data.occurredAt) - TAKEOVER_MS
  const { occurredAt, revision, approvals } = data
  const granted = approvals.map(approval => approval.grantedAt)
  // The first revision is requested as soon as it is approved. Of a later one's authority nothing tells when the first one was.
  const known = revision === 1 && (type === 'RollbackRequested' || granted.length > 0)
  return Math.min(occurredAt, ...granted) - (known ? TAKEOVER_MS : LOOK_BACK_MS)
}
