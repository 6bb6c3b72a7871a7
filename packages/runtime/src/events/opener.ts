import {
  createEventDecoder,
  type EventDecoder,
  HEADER,
  headersProblem,
  keyOf,
  type Position,
  poison,
  type UnwindEvent,
} from '@unwind/contracts'
import type { IncomingRecord } from '../kafka/port.js'
import type { EventRegistry } from '../registry/event-registry.js'
import type { TrustStore } from '../signing/trust-store.js'

export interface OpenedEvent {
  readonly kind: 'event'
  readonly event: UnwindEvent
  readonly position: Position
  /** Version that the emitter wrote. Null: newer than this build knows. */
  readonly version: number | null
  readonly traceparent: string | null
  readonly record: IncomingRecord
}

/** It cannot be read and never will be: quarantine it. */
export interface PoisonRecord {
  readonly kind: 'poison'
  readonly code: 'poison'
  /** Names topic, partition, offset and why. */
  readonly message: string
  readonly record: IncomingRecord
}

export type Opened = OpenedEvent | PoisonRecord

export interface EventOpener {
  /**
   * Decodes a record and compares it with its key and headers. At once when the schema is known, otherwise after the
   * registry was asked. A tombstone is poison here: readers of compacted topics look for one first.
   * Never throws for what a record holds. Rejects with `RegistryUnavailable` when the registry cannot be asked: the
   * record is not to blame, keep it and try again.
   */
  open(record: IncomingRecord): Opened | Promise<Opened>
}

export interface OpenerOptions {
  readonly registry: EventRegistry
  /**
   * Whose records the registry is asked for. Absent: anybody's. Who only may write a topic could otherwise hold each of its
   * readers up with schema IDs that nobody has ever heard of.
   */
  readonly trust?: Pick<TrustStore, 'verify'>
  /** Bytes of one value; a longer one is poison. Default 900,000. */
  readonly maxValueBytes?: number
}

export function createEventOpener(options: OpenerOptions): EventOpener {
  const { registry, maxValueBytes } = options
  const decoder = createEventDecoder(maxValueBytes === undefined ? {} : { maxValueBytes })
  for (const [schemaId, schema] of registry.known) decoder.learn(schemaId, schema)
  return {
    open(record) {
      const decoded = decoder.decode(record.value, record)
      return decoded.kind === 'schema-needed' ? needed(record, decoded.schemaId) : finish(record, decoded)
    },
  }

  function needed(record: IncomingRecord, schemaId: number): Opened | Promise<Opened> {
    const verified = options.trust?.verify(record)
    if (!verified || verified.ok) return learnAndOpen(record, schemaId)
    const why = `schema ${schemaId} is not known here, and the registry is asked for trusted records only: ${verified.message}`
    return { ...poison(record, why), record }
  }

  async function learnAndOpen(record: IncomingRecord, schemaId: number): Promise<Opened> {
    const answer = await registry.writerSchema(schemaId)
    if (answer.kind === 'missing')
      return { ...poison(record, `the registry has no schema ${schemaId}: ${answer.message}`), record }
    if (!decoder.knows(schemaId)) decoder.learn(schemaId, answer.schema)
    const decoded = decoder.decode(record.value, record)
    // Learnt just above, so the decoder cannot ask again.
    return decoded.kind === 'schema-needed'
      ? { ...poison(record, `schema ${schemaId} is not usable`), record }
      : finish(record, decoded)
  }
}

type Decoded = Exclude<ReturnType<EventDecoder['decode']>, { kind: 'schema-needed' }>

function finish(record: IncomingRecord, decoded: Decoded): Opened {
  if (decoded.kind === 'poison') return { ...decoded, record }
  const { event, version } = decoded
  // The key decides the partition, and headers decide who reads it: both must be what the body says (I8).
  const key = keyOf(event)
  const mismatch =
    record.key === key
      ? headersProblem(record.headers, event)
      : `its key is ${JSON.stringify(record.key)}, the body says ${JSON.stringify(key)}`
  if (mismatch !== null) return { ...poison(record, mismatch), record }
  const { topic, partition, offset } = record
  return {
    kind: 'event',
    event,
    position: { topic, partition, offset },
    version,
    traceparent: record.headers[HEADER.traceparent] ?? null,
    record,
  }
}
