import type avro from 'avsc'
import { type EventType, isEventType } from '../events.js'
import { SCHEMA_FILES, type SchemaFile } from '../generated/schemas.js'
import { compileSchema, normalForm } from './avro-type.js'
import { outgoingCheck, type ValueCheck } from './value-check.js'

/** One version of one event, compiled. */
export interface EventSchema {
  readonly type: EventType
  readonly version: number
  /** Text of the schema file. */
  readonly text: string
  readonly avro: avro.Type
  /** What a value must pass before it is written. */
  readonly outgoing: ValueCheck
}

/** All versions of all events. */
export interface EventSchemas {
  /** Ascending by version; the last one is current. */
  versions(type: EventType): readonly EventSchema[]
  current(type: EventType): EventSchema
}

/** @throws Error naming the event whose versions are not 1, 2, 3, … or whose schema does not compile. */
export function compileEventSchemas(files: readonly SchemaFile[] = SCHEMA_FILES): EventSchemas {
  const byType = new Map<EventType, EventSchema[]>()
  for (const file of [...files].sort((a, b) => a.version - b.version)) {
    if (!isEventType(file.name)) throw new Error(`schema ${file.name}.v${file.version}: no such event`)
    const versions = byType.get(file.name) ?? []
    if (file.version !== versions.length + 1)
      throw new Error(`schema ${file.name}.v${file.version}: expected version ${versions.length + 1}`)
    const avro = compileSchema(file.schema)
    versions.push({
      type: file.name,
      version: file.version,
      text: file.schema,
      avro,
      outgoing: outgoingCheck(avro),
    })
    byType.set(file.name, versions)
  }
  const versions = (type: EventType): readonly EventSchema[] => {
    const found = byType.get(type)
    if (!found) throw new Error(`event ${type} has no schema`)
    return found
  }
  return { versions, current: type => versions(type).at(-1)! }
}

/** Which of our versions a writer's schema is. Null: none, so it is newer than this build. */
export function versionOfSchema(versions: readonly EventSchema[], writer: avro.Type): EventSchema | null {
  const form = normalForm(writer)
  return versions.find(version => normalForm(version.avro) === form) ?? null
}
