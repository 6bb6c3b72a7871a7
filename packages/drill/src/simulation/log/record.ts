import { cloudEventType, HEADER, type Peek, type UnwindEvent } from '@unwind/contracts'
import type { IncomingRecord } from '@unwind/runtime'

/** A record as the simulated broker keeps it: the event itself instead of its bytes, the signer's key instead of a signature. */
export interface SimRecord extends IncomingRecord {
  /** Null: bytes that nobody can read. */
  readonly event: UnwindEvent | null
  /** Key that signed it. Null: nobody. */
  readonly keyId: string | null
  /** The signature is not that key's. */
  readonly forged: boolean
  /** What its headers say. Every reader would find the same in them. */
  readonly peek: Peek
}

/** What is sent, before the broker gives it a place. */
export interface Outgoing {
  readonly topic: string
  readonly key: string
  readonly event: UnwindEvent | null
  readonly keyId: string | null
  readonly forged: boolean
  readonly headers: Readonly<Record<string, string>>
}

export function outgoing(topic: string, event: UnwindEvent, keyId: string | null, forged = false): Outgoing {
  const data: {
    readonly eventId: string
    readonly correlationId?: string
    readonly rollbackId?: string
    readonly system?: string | null
    readonly stepId?: string | null
  } = event.data
  const headers: Record<string, string> = {
    [HEADER.id]: data.eventId,
    [HEADER.type]: cloudEventType(event.type, 1),
  }
  const key = data.correlationId ?? ''
  headers[HEADER.correlationId] = key
  if (data.rollbackId) headers[HEADER.rollback] = data.rollbackId
  if (data.system) headers[HEADER.system] = data.system
  if (data.stepId) headers[HEADER.step] = data.stepId
  return { topic, key, event, keyId, forged, headers }
}
