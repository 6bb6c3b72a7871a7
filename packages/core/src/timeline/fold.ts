import { type LedgerEvent, parseTraceparent } from '@unwind/contracts'
import { inCausalOrder, inLogOrder } from './causal-order.js'
import { describeEvent } from './describe.js'
import { summarise } from './summary.js'
import type { RollbackSummary, Timeline, TimelineEntry, TimelineRecord } from './timeline.js'

/**
 * Everything that the log says about one correlation ID, as people read it. The same records in any order, with any
 * number of copies, give the same timeline (I8).
 *
 * @param records of both topics; those of other correlation IDs are passed over.
 */
export function foldTimeline(correlationId: string, records: readonly TimelineRecord[]): Timeline {
  const sorted = inLogOrder(records.filter(record => record.event.data.correlationId === correlationId))
  return {
    correlationId,
    entries: inCausalOrder(sorted).map(toEntry),
    rollbacks: summaries(sorted),
  }
}

function summaries(sorted: readonly TimelineRecord[]): RollbackSummary[] {
  const byRollback = new Map<string, LedgerEvent[]>()
  for (const { event } of sorted) {
    if (event.type === 'ActionRecorded' || event.type === 'ActionFailed') continue
    const events = byRollback.get(event.data.rollbackId)
    if (events) events.push(event)
    else byRollback.set(event.data.rollbackId, [event])
  }
  return [...byRollback].map(([rollbackId, events]) => summarise(rollbackId, events))
}

function toEntry({ event, position, receivedAt, traceparent }: TimelineRecord): TimelineEntry {
  const { data } = event
  return {
    eventId: data.eventId,
    position: { topic: position.topic, partition: position.partition, offset: position.offset.toString() },
    at: data.occurredAt,
    receivedAt: receivedAt ?? null,
    causationId: data.causationId,
    rollbackId: 'rollbackId' in data ? data.rollbackId : null,
    system: 'system' in data ? data.system : null,
    stepId: 'stepId' in data ? data.stepId : null,
    traceId: parseTraceparent(traceparent)?.traceId ?? null,
    kind: event.type,
    ...describeEvent(event),
  }
}
