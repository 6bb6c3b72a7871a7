import { createHash } from 'node:crypto'
import { HEADER, parseCloudEventType } from '@unwind/contracts'
import type { IncomingRecord } from '@unwind/runtime'
import { isStorable } from './stored-record.js'

/** Correlation IDs kept for one resource, the latest. */
export const TOUCHED_KEPT = 128

/** Name of a resource of a system in the index: short whatever the resource is called, and without another's text in it. */
export function placeName(system: string, resource: string): string {
  return createHash('sha256').update(`${system}\0${resource}`).digest('base64url').slice(0, 22)
}

/** What one record says that it touched, from its headers: a claim until the record is verified. Null: nothing. */
export function touchOf(
  record: IncomingRecord,
): { readonly place: string; readonly correlationId: string; readonly at: number } | null {
  const { [HEADER.system]: system, [HEADER.subject]: resource, [HEADER.type]: type } = record.headers
  if (system === undefined || resource === undefined || !isStorable(record)) return null
  if (parseCloudEventType(type).type !== 'ActionRecorded') return null
  return { place: placeName(system, resource), correlationId: record.key, at: record.timestamp }
}
