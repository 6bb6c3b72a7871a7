import { byText } from '../planning/compare.js'
import type { TimelineRecord } from './timeline.js'

/** Distinct records by their place in the log, actions before the ledger. The first of several with one ID counts. */
export function inLogOrder(records: readonly TimelineRecord[]): TimelineRecord[] {
  const seen = new Set<string>()
  return [...records].sort(byPlace).filter(record => {
    const id = `${rank(record)} ${record.event.data.eventId}`
    if (seen.has(id)) return false
    seen.add(id)
    return true
  })
}

/**
 * Causes before their effects, whatever clocks and topics say; else the order of the log. An effect whose cause is not
 * among the records stands where the log has it, and causes that go in a circle are cut at the first of them.
 *
 * @param sorted as `inLogOrder` gives them.
 */
export function inCausalOrder(sorted: readonly TimelineRecord[]): TimelineRecord[] {
  const byId = new Map(sorted.map(record => [record.event.data.eventId, record]))
  const waiting = new Map<string, TimelineRecord[]>()
  const told = new Set<string>()
  const placed = new Set<TimelineRecord>()
  const result: TimelineRecord[] = []
  for (const record of sorted) {
    const cause = record.event.data.causationId
    if (cause === null || told.has(cause) || !byId.has(cause)) place(record)
    else {
      const effects = waiting.get(cause)
      if (effects) effects.push(record)
      else waiting.set(cause, [record])
    }
  }
  // Only circles of causes are left, and what hangs on them: cut each circle at its first event.
  const places = new Map(sorted.map((record, i) => [record, i]))
  for (const record of sorted) if (!placed.has(record)) place(firstOfCircle(record))
  return result

  function firstOfCircle(record: TimelineRecord): TimelineRecord {
    const causeOf = (r: TimelineRecord) => byId.get(r.event.data.causationId!)!
    const passed = new Set<TimelineRecord>()
    let at = record
    for (; !passed.has(at); at = causeOf(at)) passed.add(at)
    let first = at
    for (let r = causeOf(at); r !== at; r = causeOf(r)) if (places.get(r)! < places.get(first)!) first = r
    return first
  }

  function place(first: TimelineRecord): void {
    const open = [first]
    for (let record = open.pop(); record !== undefined; record = open.pop()) {
      if (placed.has(record)) continue
      placed.add(record)
      result.push(record)
      const { eventId } = record.event.data
      told.add(eventId)
      const effects = waiting.get(eventId)
      if (!effects) continue
      waiting.delete(eventId)
      open.push(...effects.reverse())
    }
  }
}

function byPlace(a: TimelineRecord, b: TimelineRecord): number {
  const p = a.position
  const q = b.position
  return (
    rank(a) - rank(b) ||
    byText(p.topic, q.topic) ||
    p.partition - q.partition ||
    (p.offset < q.offset ? -1 : p.offset > q.offset ? 1 : 0)
  )
}

function rank({ event }: TimelineRecord): 0 | 1 {
  return event.type === 'ActionRecorded' || event.type === 'ActionFailed' ? 0 : 1
}
