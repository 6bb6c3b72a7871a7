import { HEADER, type UnwindEvent } from '@unwind/contracts'
import type { HiddenRecord, ShownRecord } from '@unwind/core'
import { z } from 'zod'

/** One line of a records file: all of a record, raw and decoded, or its hash where its content is left out. */
const shownSchema = z.object({
  offset: z.string().regex(/^\d{1,19}$/),
  timestamp: z.int(),
  key: z.string().nullable(),
  value: z.base64().nullable(),
  headers: z.record(z.string(), z.string()),
  event: z.unknown(),
})
const hiddenSchema = z.strictObject({
  offset: z.string().regex(/^\d{1,19}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
})

export interface ShownLine {
  readonly record: ShownRecord
  /** The decoded form that the line gives, as canonical text to compare. */
  readonly event: string
}

export function shownLine(record: ShownRecord, event: UnwindEvent | null): string {
  const { offset, timestamp, key, value, headers } = record
  const raw = value && Buffer.from(value).toString('base64')
  return JSON.stringify({ offset: String(offset), timestamp, key, value: raw, headers, event })
}

export function hiddenLine(offset: bigint, hash: Uint8Array): string {
  return JSON.stringify({ offset: String(offset), hash: Buffer.from(hash).toString('hex') })
}

/** @returns what is wrong, as text, for a line that is none. */
export function parseLine(line: string): ShownLine | HiddenRecord | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'the line is not JSON'
  }
  const hidden = hiddenSchema.safeParse(value)
  if (hidden.success)
    return { offset: BigInt(hidden.data.offset), hidden: Buffer.from(hidden.data.hash, 'hex') }
  const shown = shownSchema.safeParse(value)
  if (!shown.success) return 'the line is not a record'
  const { offset, timestamp, key, headers, event } = shown.data
  const bytes = shown.data.value === null ? null : Buffer.from(shown.data.value, 'base64')
  return {
    record: {
      offset: BigInt(offset),
      timestamp,
      key,
      value: bytes,
      headers,
      eventId: headers[HEADER.id] ?? null,
    },
    event: JSON.stringify(event ?? null),
  }
}
