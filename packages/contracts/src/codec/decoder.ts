import type { EventType, Position, UnwindEvent } from '../events.js'
import { compileEventSchemas, type EventSchemas } from './event-schemas.js'
import { createReader, type Reader } from './reader.js'
import { UPCASTERS } from './upcast/index.js'
import type { Upcasters } from './upcast/upcaster.js'
import { MAX_SCHEMA_LENGTH } from './weight.js'
import { MAX_VALUE_BYTES, readPrefix } from './wire-format.js'

/** The record cannot be read and never will be. The message names topic, partition and offset. */
export interface Poison {
  readonly kind: 'poison'
  readonly code: 'poison'
  readonly message: string
}

export interface DecodedEvent {
  readonly kind: 'event'
  readonly event: UnwindEvent
  readonly schemaId: number
  /** Version that the writer wrote. Null: newer than this build knows. */
  readonly version: number | null
}

/** The writer's schema must be looked up and learnt first. */
export interface SchemaNeeded {
  readonly kind: 'schema-needed'
  readonly schemaId: number
}

export interface EventDecoder {
  /** Never throws, whatever the bytes. */
  decode(value: Uint8Array | null, at: Position): DecodedEvent | Poison | SchemaNeeded
  /** Never throws: a schema that cannot be used makes its records poison. */
  learn(schemaId: number, writerSchema: string): void
  knows(schemaId: number): boolean
}

export interface DecoderOptions {
  readonly schemas?: EventSchemas
  readonly upcasters?: Upcasters
  /** Bytes of one value; a longer one is poison. Default 900,000. */
  readonly maxValueBytes?: number
}

type Known = { readonly reader: Reader } | { readonly unusable: string }

/** One reader per schema ID, made once. */
export function createEventDecoder(options: DecoderOptions = {}): EventDecoder {
  const schemas = options.schemas ?? compileEventSchemas()
  const upcasters = options.upcasters ?? UPCASTERS
  const limit = options.maxValueBytes ?? MAX_VALUE_BYTES
  const known = new Map<number, Known>()
  return {
    knows: schemaId => known.has(schemaId),
    learn(schemaId, writerSchema) {
      if (writerSchema.length > MAX_SCHEMA_LENGTH) {
        const unusable = `${writerSchema.length} characters are more than ${MAX_SCHEMA_LENGTH}`
        return void known.set(schemaId, { unusable })
      }
      try {
        known.set(schemaId, { reader: createReader(writerSchema, schemas, upcasters) })
      } catch (error) {
        known.set(schemaId, { unusable: messageOf(error) })
      }
    },
    decode(value, at) {
      if (value === null) return poison(at, 'it has no value')
      if (value.length > limit)
        return poison(at, `its value of ${value.length} bytes is above the limit of ${limit}`)
      const prefix = readPrefix(value)
      if (!prefix.ok) return poison(at, prefix.message)
      const { schemaId } = prefix
      const entry = known.get(schemaId)
      if (!entry) return { kind: 'schema-needed', schemaId }
      if ('unusable' in entry) return poison(at, `schema ${schemaId} cannot be used: ${entry.unusable}`)
      const { reader } = entry
      try {
        const event = { type: reader.type as EventType, data: reader.read(asBuffer(value)) } as UnwindEvent
        return { kind: 'event', event, schemaId, version: reader.version }
      } catch (error) {
        return poison(at, `its bytes are not a ${reader.type} of schema ${schemaId}: ${messageOf(error)}`)
      }
    },
  }
}

/** Keys and headers are a stranger's, and up to a megabyte long; the message goes into logs, alarms and the ledger. */
const MAX_REASON = 500

/** A poison result whose message begins with where the record lies. */
export function poison(at: Position, why: string): Poison {
  return {
    kind: 'poison',
    code: 'poison',
    message: `${at.topic} partition ${at.partition} offset ${at.offset} cannot be read: ${why.length > MAX_REASON ? `${why.slice(0, MAX_REASON)}…` : why}`,
  }
}

function asBuffer(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
