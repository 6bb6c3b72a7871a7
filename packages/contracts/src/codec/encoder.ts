import type { EventType, UnwindEvent } from '../events.js'
import { compileEventSchemas, type EventSchema, type EventSchemas } from './event-schemas.js'
import { MAX_VALUE_BYTES, PREFIX_BYTES, writePrefix } from './wire-format.js'

export interface EncodedEvent {
  /** Confluent wire format; a buffer of its own. */
  readonly value: Buffer
  readonly schemaId: number
  readonly version: number
}

export interface EventEncoder {
  /**
   * @throws EncodeFailed naming event and field when the data does not fit the schema.
   * @throws EventTooLarge when the value exceeds the limit.
   */
  encode(event: UnwindEvent): EncodedEvent
}

export interface EncoderOptions {
  /** Registry's ID of the current schema of each event that will be encoded. */
  readonly schemaIds: ReadonlyMap<EventType, number>
  readonly schemas?: EventSchemas
  /** Bytes of one value, prefix included. Default 900,000. */
  readonly maxValueBytes?: number
}

export class EncodeFailed extends Error {
  override readonly name = 'EncodeFailed'
}

export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge'
  readonly bytes: number
  readonly limit: number
  constructor(event: UnwindEvent, bytes: number, limit: number) {
    super(
      `${nameOf(event)} takes ${bytes} bytes, the limit is ${limit}: split what it carries, or keep large data outside and refer to it`,
    )
    this.bytes = bytes
    this.limit = limit
  }
}

/** Large enough for nearly every event, so that avsc writes once. */
const SCRATCH_BYTES = 16_384

export function createEventEncoder(options: EncoderOptions): EventEncoder {
  const schemas = options.schemas ?? compileEventSchemas()
  const limit = options.maxValueBytes ?? MAX_VALUE_BYTES
  const scratch = Buffer.allocUnsafe(SCRATCH_BYTES)
  return {
    encode(event) {
      const schemaId = options.schemaIds.get(event.type)
      if (schemaId === undefined)
        throw new EncodeFailed(
          `${nameOf(event)}: its schema has no ID; register it with "unwind schemas apply" and start again`,
        )
      const schema = schemas.current(event.type)
      const value = write(event, schema, scratch, limit)
      writePrefix(value, schemaId)
      return { value, schemaId, version: schema.version }
    },
  }
}

function write(event: UnwindEvent, schema: EventSchema, scratch: Buffer, limit: number): Buffer {
  const wrong = schema.outgoing(event.data)
  if (wrong) throw new EncodeFailed(`${nameOf(event)}: ${wrong.path} ${wrong.problem}`)
  try {
    const end = schema.avro.encode(event.data, scratch, PREFIX_BYTES)
    const bytes = end >= 0 ? end : scratch.length - end
    if (bytes > limit) throw new EventTooLarge(event, bytes, limit)
    if (end >= 0) return Buffer.from(scratch.subarray(0, end))
    const value = Buffer.allocUnsafe(bytes)
    schema.avro.encode(event.data, value, PREFIX_BYTES)
    return value
  } catch (error) {
    if (error instanceof EventTooLarge) throw error
    throw new EncodeFailed(`${nameOf(event)}: ${invalidFields(event, schema) ?? String(error)}`, {
      cause: error,
    })
  }
}

/** Which fields do not fit, by path. */
function invalidFields(event: UnwindEvent, schema: EventSchema): string | null {
  const found: string[] = []
  schema.avro.isValid(event.data, {
    errorHook: (path: string[], value: unknown, type: { toString(): string }) => {
      const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
      found.push(`${path.join('.') || 'data'} is ${shown}, expected ${type.toString()}`)
    },
  })
  return found.length > 0 ? found.join('; ') : null
}

function nameOf(event: UnwindEvent): string {
  return `${event.type} ${event.data.eventId}`
}
