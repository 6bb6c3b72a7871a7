/** First byte of a value in the Confluent wire format. */
export const MAGIC_BYTE = 0
/** Magic byte and big-endian schema ID; the Avro body follows. */
export const PREFIX_BYTES = 5
/** Default limit of one value: below the brokers' 1 MiB, with room for headers, signature and batch overhead. */
export const MAX_VALUE_BYTES = 900_000

const MAX_SCHEMA_ID = 0xffff_ffff

/** What the prefix of a value says, or why it has none. */
export type Prefix =
  | { readonly ok: true; readonly schemaId: number }
  | { readonly ok: false; readonly message: string }

export function readPrefix(value: Uint8Array): Prefix {
  if (value.length < PREFIX_BYTES)
    return { ok: false, message: `${value.length} bytes are too short for magic byte and schema ID` }
  if (value[0] !== MAGIC_BYTE)
    return { ok: false, message: `first byte is ${value[0]}, expected the magic byte ${MAGIC_BYTE}` }
  return { ok: true, schemaId: ((value[1]! << 24) | (value[2]! << 16) | (value[3]! << 8) | value[4]!) >>> 0 }
}

/** @throws RangeError when the schema ID does not fit into four bytes. */
export function writePrefix(target: Uint8Array, schemaId: number): void {
  if (!Number.isInteger(schemaId) || schemaId < 0 || schemaId > MAX_SCHEMA_ID)
    throw new RangeError(`schema ID ${schemaId} does not fit into four bytes`)
  target[0] = MAGIC_BYTE
  target[1] = schemaId >>> 24
  target[2] = (schemaId >>> 16) & 0xff
  target[3] = (schemaId >>> 8) & 0xff
  target[4] = schemaId & 0xff
}
