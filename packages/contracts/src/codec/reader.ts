import type avro from 'avsc'
import type { EventMap, EventType } from '../events.js'
import { isEventType } from '../events.js'
import { compileSchema, normalForm } from './avro-type.js'
import { boundsCheck } from './bounds.js'
import { type EventSchema, type EventSchemas, versionOfSchema } from './event-schemas.js'
import type { Upcasters, VersionedData } from './upcast/upcaster.js'
import { incomingCheck } from './value-check.js'
import { assertLight } from './weight.js'
import { PREFIX_BYTES } from './wire-format.js'

/** Reads values that one writer's schema wrote, as the current version of the event. */
export interface Reader {
  readonly type: EventType
  /** The writer's version. Null: the writer is newer than this build, and Avro's resolution leads back to ours. */
  readonly version: number | null
  /** @throws Error when the bytes are not a value of the writer's schema. */
  read(value: Buffer): EventMap[EventType]
}

/**
 * @throws Error when the text is no schema, names no event that this build knows, or cannot be resolved to the current
 * version: the compatibility rule of the registry (FULL_TRANSITIVE) was circumvented.
 */
export function createReader(writerSchema: string, schemas: EventSchemas, upcasters: Upcasters): Reader {
  const writer = compileSchema(writerSchema)
  assertLight(writer)
  const type = eventNameOf(writer)
  const versions = schemas.versions(type)
  const version = versionOfSchema(versions, writer)
  const bounded = boundsCheck(writer)
  const { target, bridge } = plan(type, version, versions, upcasters)
  const exact = incomingCheck(target.avro)
  // Resolving what needs no resolution costs as much again as reading.
  const resolver =
    normalForm(target.avro) === normalForm(writer) ? undefined : target.avro.createResolver(writer)
  return {
    type,
    version: version?.version ?? null,
    read(value) {
      bounded?.(value, PREFIX_BYTES)
      const { value: data, offset } = target.avro.decode(value, PREFIX_BYTES, resolver)
      if (offset < 0) throw new RangeError('truncated buffer')
      if (offset < value.length) throw new RangeError('trailing data')
      const wrong = exact(data)
      if (wrong) throw new RangeError(`${wrong.path} ${wrong.problem}`)
      return (bridge ? bridge(data) : data) as EventMap[EventType]
    },
  }
}

function eventNameOf(writer: avro.Type): EventType {
  const [namespace, name, ...rest] = (writer.name ?? '').split('.')
  if (namespace !== 'unwind' || name === undefined || rest.length > 0 || !isEventType(name))
    throw new Error(
      `its schema ${JSON.stringify(writer.name ?? 'without a name')} is no event that this version knows`,
    )
  return name
}

/**
 * Without upcasts on the way, Avro resolves straight from the writer's version to ours. Otherwise it resolves to the
 * first version that an upcast starts from, and the bridge goes on from there.
 */
function plan(
  type: EventType,
  from: EventSchema | null,
  versions: readonly EventSchema[],
  upcasters: Upcasters,
) {
  const current = versions.at(-1)!
  const upcasts = upcasters[type]
  const starts =
    from && upcasts
      ? versions.filter(v => v.version >= from.version && v !== current && upcasts.has(v.version))
      : []
  const first = starts[0]
  if (!first || !upcasts) return { target: current, bridge: null }
  const bridge = (data: VersionedData): VersionedData => {
    let at = first
    let upcasting = data
    for (const start of starts) {
      upcasting = upcasts.get(start.version)!(resolve(upcasting, at, start))
      at = versions[start.version]!
    }
    return resolve(upcasting, at, current)
  }
  return { target: first, bridge }
}

/** Avro's resolution of a value in memory. Costs an encoding, which only events of an old version with upcasts pay. */
function resolve(data: VersionedData, from: EventSchema, to: EventSchema): VersionedData {
  if (from === to) return data
  return to.avro.fromBuffer(from.avro.toBuffer(data), to.avro.createResolver(from.avro)) as VersionedData
}
