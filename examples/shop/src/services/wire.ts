import type { IncomingHttpHeaders } from 'node:http'
import type { Decision } from './book.js'
import type { JsonAnswer } from './json-server.js'

/** A payment as the provider shows it. */
export interface Payment {
  readonly id: string
  /** The order's number. */
  readonly reference: string
  readonly customerId: number
  readonly status: 'captured' | 'partly refunded' | 'refunded'
  readonly amountCents: number
  readonly refundedCents: number
  /** Refunds that were really made. */
  readonly refunds: number
}

/** A grant of points as the loyalty service shows it. */
export interface Grant {
  readonly id: string
  /** The order's number. */
  readonly reference: string
  readonly customerId: number
  readonly status: 'granted' | 'partly revoked' | 'revoked'
  readonly points: number
  readonly revokedPoints: number
  /** Revocations that were really made. */
  readonly revocations: number
}

/** The bare key or, as the IETF draft has it, a quoted string. */
export function requestKey(headers: IncomingHttpHeaders): string | null {
  const key = headers['idempotency-key']
  return typeof key === 'string' ? key.replace(/^"(.*)"$/, '$1') : null
}

export function refusal({ status, why }: Extract<Decision, { kind: 'refused' }>): JsonAnswer {
  return { status, body: { title: why } }
}
