import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '@unwind/contracts'
import { newRollbackId } from '@unwind/contracts/ids'
import { Problem } from '../operations/problem.js'

/** What a caller's Idempotency-Key stands for. IDs in the ledger follow from it, so that the ledger itself knows a repeated call. */
export interface KeyedCall {
  /** Hash of who calls, which operation, and the key. */
  readonly name: string
  /** Hash of the request's path and body. */
  readonly request: string
}

const KEY = /^[\x21-\x7e]{1,255}$/
/** As long as a client may reasonably try again. What must hold longer follows from the ledger. */
export const KEY_KEPT_MS = 7 * 86_400_000

/** @returns null when the caller gave no key. @throws Problem for one that is none. */
export function keyedCall(header: unknown, caller: string, path: string, body: unknown): KeyedCall | null {
  if (header === undefined) return null
  if (typeof header !== 'string' || !KEY.test(header))
    throw new Problem(
      400,
      'invalid-idempotency-key',
      'The Idempotency-Key cannot be read',
      'it must be 1 to 255 visible ASCII characters, given once',
      'send a UUID, and the same one when you send the request again',
    )
  return {
    name: hash(`${caller}\n${header}`),
    request: hash(`${path}\n${canonicalJson((body ?? null) as Json)}`),
  }
}

export function keyReused(what: string): Problem {
  return new Problem(
    422,
    'idempotency-key-reused',
    'This Idempotency-Key stands for another request',
    what,
    'send a new key for a new request, or the first request again as it was',
  )
}

/** The same key for the same correlation ID is the same rollback, also when nothing but the ledger remembers it. */
export function rollbackIdOf(call: KeyedCall, correlationId: string): string {
  const bytes = createHash('sha256').update(`rollback\n${call.name}\n${correlationId}`).digest()
  // Its first part, a moment in other IDs, comes from the hash as well.
  return newRollbackId(bytes.readUIntBE(8, 5), bytes.subarray(0, 8))
}

export function commandIdOf(call: KeyedCall): string {
  return hash(`command\n${call.name}`).slice(0, 32)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
