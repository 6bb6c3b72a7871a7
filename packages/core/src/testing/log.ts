import type { ActionEvent, EventOf, LedgerEvent } from '@unwind/contracts'
import type { TimelineRecord } from '../timeline/timeline.js'
import { CORRELATION, ROLLBACK } from './ledger.js'

/** A forward action as its system records it: `did('orders', 1)` has the ID "orders:1". */
export function did(
  system: string,
  n: number,
  over: Partial<EventOf<'ActionRecorded'>['data']> = {},
): ActionEvent {
  return {
    type: 'ActionRecorded',
    data: {
      eventId: `${system}:${n}`,
      correlationId: CORRELATION,
      system,
      action: `${system}.done`,
      resource: null,
      occurredAt: 100 + n,
      emitter: `service:${system}`,
      causationId: null,
      data: '{}',
      items: 1,
      digest: null,
      ...over,
    },
  }
}

/** The proposal that a test's rollback begins with. */
export function proposed(over: Partial<EventOf<'RollbackProposed'>['data']> = {}): LedgerEvent {
  return {
    type: 'RollbackProposed',
    data: {
      eventId: `${ROLLBACK}/proposed`,
      correlationId: CORRELATION,
      rollbackId: ROLLBACK,
      occurredAt: 900,
      emitter: 'user:ana',
      causationId: null,
      systems: [],
      reason: 'payment failed',
      incidentClass: null,
      release: null,
      trigger: 'manual',
      proposedBy: 'user:ana',
      supplements: null,
      part: null,
      ...over,
    },
  }
}

/** Events as they lie in their topics, one partition each, in the order in which they are given, from offset 0. */
export function log(...events: readonly (ActionEvent | LedgerEvent)[]): TimelineRecord[] {
  const next = new Map<string, bigint>()
  return events.map(event => {
    const isAction = event.type === 'ActionRecorded' || event.type === 'ActionFailed'
    const topic = isAction ? 'unwind.actions' : 'unwind.rollback'
    const offset = next.get(topic) ?? 0n
    next.set(topic, offset + 1n)
    return { event, position: { topic, partition: 0, offset } }
  })
}
