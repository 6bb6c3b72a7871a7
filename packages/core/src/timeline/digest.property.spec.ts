import { type ActionEvent, eventIds, type LedgerEvent } from '@unwind/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CORRELATION, ledger, plan, step } from '../testing/ledger.js'
import { did, log, proposed } from '../testing/log.js'
import { timelineDigest } from './digest.js'
import { foldTimeline } from './fold.js'
import type { TimelineRecord } from './timeline.js'

const chain = plan([step('b'), step('a', ['b'])])
const COURSE: readonly LedgerEvent[] = [
  proposed(),
  ledger.requested(chain),
  ledger.started('b'),
  ledger.failed('b', 1, 2_000),
  ledger.started('b', 2),
  ledger.parked('b'),
  ledger.command('resolve', chain, { stepId: 'b', resolution: 'force' }),
  ledger.completed('b', 1),
  ledger.started('a'),
  ledger.completed('a'),
  ledger.closed(),
]

/** A log as it may come to be: any causes, the ledger cut off anywhere, producers that wrote some records again. */
const anyLog = fc
  .record({
    actions: fc.array(
      fc.record({ system: fc.constantFrom('a', 'b', 'c'), cause: fc.nat(12), at: fc.nat(10_000) }),
      { maxLength: 10 },
    ),
    reached: fc.nat(COURSE.length),
    again: fc.array(fc.nat(30), { maxLength: 5 }),
  })
  .map(({ actions, reached, again }) => {
    const ids = [...actions.map((a, i) => `${a.system}:${i}`), eventIds.proposed('rb-1'), 'elsewhere']
    const events: (ActionEvent | LedgerEvent)[] = [
      ...actions.map(({ system, cause, at }, i) =>
        did(system, i, { causationId: ids[cause % ids.length] ?? null, occurredAt: at }),
      ),
      ...COURSE.slice(0, reached),
    ]
    const copies = again.flatMap(i => events[i] ?? [])
    return { once: log(...events), written: log(...events, ...copies) }
  })

const digest = (records: readonly TimelineRecord[]) => timelineDigest(foldTimeline(CORRELATION, records))

test('copies in the log, copies in reading and the order of reading do not change the timeline (I8)', () => {
  fc.assert(
    fc.property(
      anyLog.chain(({ once, written }) =>
        fc.record({
          once: fc.constant(once),
          read: fc
            .subarray(written)
            .chain(more =>
              fc.shuffledSubarray([...written, ...more], { minLength: written.length + more.length }),
            )
            .map(records => records.map((record, i) => ({ ...record, receivedAt: i }))),
        }),
      ),
      ({ once, read }) => {
        expect(digest(read)).toBe(digest(once))
      },
    ),
    { numRuns: 300 },
  )
})

test('every event is told once, and no effect before its cause', () => {
  fc.assert(
    fc.property(anyLog, ({ once, written }) => {
      const { entries } = foldTimeline(CORRELATION, written)
      expect(entries.map(e => e.eventId).sort()).toEqual(once.map(r => r.event.data.eventId).sort())
      const place = new Map(entries.map((entry, i) => [entry.eventId, i]))
      const cause = new Map(entries.map(entry => [entry.eventId, entry.causationId]))
      for (const entry of entries) {
        if (inCircle(entry.eventId, cause)) continue
        const before = place.get(entry.causationId ?? '')
        if (before !== undefined) expect(before).toBeLessThan(place.get(entry.eventId)!)
      }
    }),
    { numRuns: 300 },
  )
})

function inCircle(eventId: string, cause: ReadonlyMap<string, string | null>): boolean {
  let at = cause.get(eventId)
  for (let n = 0; n < cause.size && at; n++) {
    if (at === eventId) return true
    at = cause.get(at)
  }
  return false
}

test('any change of what an event says, of its place or of its absence changes the digest', () => {
  const records = log(did('a', 1), did('b', 2), ...COURSE)
  const base = digest(records)
  const changed = [
    records.slice(1),
    records.slice(0, -1),
    records.with(0, { ...records[0]!, position: { ...records[0]!.position, offset: 99n } }),
    log(did('a', 1, { resource: 'a/2' }), did('b', 2), ...COURSE),
    log(did('a', 1, { occurredAt: 3 }), did('b', 2), ...COURSE),
    log(did('a', 1), did('b', 2, { causationId: 'a:1' }), ...COURSE),
    log(did('a', 1), did('b', 2), ...COURSE.slice(0, -1), ledger.closed('PARTIAL')),
  ].map(digest)
  expect(new Set([base, ...changed]).size).toBe(changed.length + 1)
})
