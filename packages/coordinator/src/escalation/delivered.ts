import { type EscalationDelivered, eventIds, hashText, type LedgerEvent } from '@unwind/contracts'
import type { Notice } from '@unwind/core'

/** What came of a notice. */
export type Said = Pick<EscalationDelivered, 'outcome' | 'attempts' | 'detail'>

type About = Pick<
  EscalationDelivered,
  'rollbackId' | 'correlationId' | 'escalationId' | 'emitter' | 'occurredAt'
>

/** The same ID whoever says it: two coordinators that sent one notice note it once. */
export function deliveredEvent(about: About, notice: Notice, said: Said): LedgerEvent {
  const { escalationId } = about
  const { name, action, channel, who, dueAt } = notice
  return {
    type: 'EscalationDelivered',
    data: {
      ...about,
      ...said,
      eventId: eventIds.escalationDelivered(escalationId, name),
      causationId: escalationId,
      notice: name,
      action,
      channel,
      recipients: [...who],
      dedupKey: dedupKeyOf(escalationId),
      dueAt,
    },
  }
}

/** Longest de-duplication key that every channel takes. */
const MOST_KEY = 255

/** One alarm is one incident, whoever sends what how often. */
export function dedupKeyOf(escalationId: string): string {
  const key = `unwind:${escalationId}`
  return Buffer.byteLength(key) <= MOST_KEY ? key : `unwind:${hashText(escalationId)}`
}
