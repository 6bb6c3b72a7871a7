import { type EventType, isEventType, type UnwindEvent } from '../events.js'
import { type Routing, routingOf } from './routing.js'

/** Header names: CloudEvents 1.0 Kafka binding (binary mode), W3C trace context, and what consumers skip by. */
export const HEADER = {
  specVersion: 'ce_specversion',
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  time: 'ce_time',
  subject: 'ce_subject',
  correlationId: 'ce_correlationid',
  causationId: 'ce_causationid',
  contentType: 'content-type',
  traceparent: 'traceparent',
  rollback: 'unwind-rollback',
  system: 'unwind-system',
  step: 'unwind-step',
  signature: 'unwind-signature',
  proof: 'unwind-proof',
} as const

export type Headers = Readonly<Record<string, string>>

export interface HeaderContext {
  /** Version of the event's schema. */
  readonly version: number
  /** CloudEvents source, a URI reference of the emitting process, e.g. "/unwind/sidecar/orders". */
  readonly source: string
  readonly traceparent: string | null
}

/** What a consumer learns without decoding the body. Null: the header is missing. */
export interface Peek extends Routing {
  /** Null: no event that this build knows. */
  readonly type: EventType | null
  readonly version: number | null
  readonly eventId: string | null
  readonly traceparent: string | null
}

/** @throws RangeError when `occurredAt` is no moment. */
export function buildHeaders(event: UnwindEvent, context: HeaderContext): Record<string, string> {
  const headers: Record<string, string> = {
    [HEADER.specVersion]: '1.0',
    [HEADER.id]: event.data.eventId,
    [HEADER.type]: cloudEventType(event.type, context.version),
    [HEADER.source]: context.source,
    [HEADER.time]: new Date(event.data.occurredAt).toISOString(),
    [HEADER.contentType]: 'application/avro',
  }
  const routing = routingOf(event)
  for (const [name, read] of ROUTING_HEADERS) {
    const value = read(routing)
    if (value !== null) headers[name] = value
  }
  if (context.traceparent !== null) headers[HEADER.traceparent] = context.traceparent
  return headers
}

export function peekHeaders(headers: Headers): Peek {
  const { type, version } = parseCloudEventType(headers[HEADER.type])
  return {
    type,
    version,
    eventId: headers[HEADER.id] ?? null,
    correlationId: headers[HEADER.correlationId] ?? null,
    causationId: headers[HEADER.causationId] ?? null,
    rollbackId: headers[HEADER.rollback] ?? null,
    system: headers[HEADER.system] ?? null,
    stepId: headers[HEADER.step] ?? null,
    subject: headers[HEADER.subject] ?? null,
    traceparent: headers[HEADER.traceparent] ?? null,
  }
}

/**
 * Routing headers are not signed, so a consumer that skips by them trusts them; whoever decodes the body must find the
 * same there (I8).
 * @returns what differs, or null.
 */
export function headersProblem(headers: Headers, event: UnwindEvent): string | null {
  if (headers[HEADER.id] !== event.data.eventId)
    return differs(HEADER.id, headers[HEADER.id], event.data.eventId)
  const { type } = parseCloudEventType(headers[HEADER.type])
  if (type !== event.type) return differs(HEADER.type, headers[HEADER.type], event.type)
  const routing = routingOf(event)
  for (const [name, read] of ROUTING_HEADERS) {
    const expected = read(routing)
    if ((headers[name] ?? null) !== expected) return differs(name, headers[name], expected)
  }
  return null
}

export function cloudEventType(type: EventType, version: number): string {
  return `unwind.${type}.v${version}`
}

export function parseCloudEventType(text: string | undefined): {
  type: EventType | null
  version: number | null
} {
  const dot = text?.lastIndexOf('.v') ?? -1
  if (text === undefined || dot < 0 || !text.startsWith('unwind.')) return UNKNOWN_TYPE
  const type = text.slice('unwind.'.length, dot)
  const version = text.slice(dot + 2)
  return isEventType(type) && /^[1-9]\d{0,5}$/.test(version)
    ? { type, version: Number(version) }
    : UNKNOWN_TYPE
}

const UNKNOWN_TYPE = { type: null, version: null } as const

const ROUTING_HEADERS: readonly (readonly [name: string, read: (routing: Routing) => string | null])[] = [
  [HEADER.subject, r => r.subject],
  [HEADER.correlationId, r => r.correlationId],
  [HEADER.causationId, r => r.causationId],
  [HEADER.rollback, r => r.rollbackId],
  [HEADER.system, r => r.system],
  [HEADER.step, r => r.stepId],
]

function differs(name: string, found: string | undefined, expected: string | null): string {
  const show = (value: string | null | undefined) =>
    value === undefined || value === null ? 'nothing' : JSON.stringify(value)
  return `header ${name} says ${show(found)}, the body says ${show(expected)}`
}
