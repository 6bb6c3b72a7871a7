export {
  createEventDecoder,
  type DecodedEvent,
  type DecoderOptions,
  type EventDecoder,
  type Poison,
  poison,
  type SchemaNeeded,
} from './decoder.js'
export {
  createEventEncoder,
  type EncodedEvent,
  EncodeFailed,
  type EncoderOptions,
  type EventEncoder,
  EventTooLarge,
} from './encoder.js'
export { compileEventSchemas, type EventSchema, type EventSchemas } from './event-schemas.js'
export type { Upcast, Upcasters, VersionedData } from './upcast/upcaster.js'
export { MAX_VALUE_BYTES, readPrefix } from './wire-format.js'
