import type { EventType } from '../../events.js'

/** A decoded event of one fixed version, as that version's schema says. */
export type VersionedData = Readonly<Record<string, unknown>>

/** Turns data of version N into data of version N + 1, where Avro's defaults cannot say what the new version means. */
export type Upcast = (data: VersionedData) => VersionedData

/** By event, by the version that an upcast starts from. A step without one is bridged by Avro's schema resolution alone. */
export type Upcasters = { readonly [T in EventType]?: ReadonlyMap<number, Upcast> }
