import {
  createEventDecoder,
  HEADER,
  type Position,
  parseCloudEventType,
  readPrefix,
  SCHEMA_FILES,
  type UnwindEvent,
} from '@unwind/contracts'

/** @returns null: the record has no decoded form here. */
export type LocalDecoder = (
  value: Uint8Array | null,
  headers: Readonly<Record<string, string>>,
  at: Position,
) => UnwindEvent | null

/**
 * Decodes records without a registry: the signed header names event and version, and this build has their schemas. An event
 * of a later version, or one that is none, has no decoded form.
 */
export function localDecoder(): LocalDecoder {
  const decoder = createEventDecoder()
  const learnt = new Map<number, string>()
  return (value, headers, at) => {
    const { type, version } = parseCloudEventType(headers[HEADER.type])
    const prefix = value && readPrefix(value)
    if (type === null || !prefix?.ok) return null
    const file = SCHEMA_FILES.find(schema => schema.name === type && schema.version === version)
    if (!file) return null
    // Another record may claim the same schema ID for another event.
    if (learnt.get(prefix.schemaId) !== `${type}.v${version}`) decoder.learn(prefix.schemaId, file.schema)
    learnt.set(prefix.schemaId, `${type}.v${version}`)
    const decoded = decoder.decode(value, at)
    return decoded.kind === 'event' ? decoded.event : null
  }
}
