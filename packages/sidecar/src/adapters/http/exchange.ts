import { type Dispatcher, request } from 'undici'
import { AddressRefused } from './address.js'

/** One request, ready to be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export interface HttpAnswer {
  readonly kind: 'answer'
  readonly status: number
  /** Lower-case names; a header that occurs several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  /** Null: longer than the limit, so not read to its end. */
  readonly body: string | null
}

/**
 * What is known after one request. Told apart by what the target may have done meanwhile, because that decides what is
 * safe to do next (design decision 4).
 */
export type Exchange =
  | HttpAnswer
  /** No byte reached the target: nothing was done. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** The address may never be called: nothing was done, and trying again does not help. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No complete answer in time. */
  | { readonly kind: 'timeout'; readonly reason: string }
  /** The connection broke after the request may have been sent, or in the middle of the answer. */
  | { readonly kind: 'lost'; readonly reason: string }

export interface ExchangeLimits {
  /** From the call to the last byte of the answer, milliseconds. */
  readonly timeoutMs: number
  readonly maxBodyBytes: number
}

/** Sends one request and reads the answer. Follows no redirect, repeats nothing, never throws for what the target does. */
export async function exchange(
  dispatcher: Dispatcher,
  { method, url, headers, body }: HttpRequest,
  limits: ExchangeLimits,
  signal: AbortSignal,
): Promise<Exchange> {
  const deadline = AbortSignal.timeout(limits.timeoutMs)
  const what = `${method} ${url.host}${url.pathname}`
  try {
    const response = await request(url, {
      method,
      headers,
      body,
      dispatcher,
      signal: AbortSignal.any([signal, deadline]),
    })
    return {
      kind: 'answer',
      status: response.statusCode,
      headers: flatten(response.headers),
      body: await readBounded(response.body, limits.maxBodyBytes),
    }
  } catch (error) {
    if (deadline.aborted)
      return { kind: 'timeout', reason: `${what}: no complete answer within ${limits.timeoutMs} ms` }
    if (signal.aborted) return { kind: 'lost', reason: `${what}: the sidecar stopped before the answer came` }
    return broken(what, error)
  }
}

async function readBounded(
  stream: Dispatcher.ResponseData['body'],
  maxBytes: number,
): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length
    // Leaving the loop destroys the stream and its connection: nothing more is read.
    if (bytes > maxBytes) return null
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Only a failure to connect proves that nothing was sent; everything else leaves the outcome open. */
const BEFORE_SENDING = new Set(['getaddrinfo', 'connect'])
const BEFORE_SENDING_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

interface SystemError extends Error {
  readonly code?: string
  readonly syscall?: string
}

function broken(what: string, error: unknown): Exchange {
  const cause = rootOf(error)
  const reason = `${what}: ${cause.code ?? cause.name}: ${cause.message}`
  if (cause instanceof AddressRefused) return { kind: 'refused', reason: `${what}: ${cause.message}` }
  if (cause.name === 'InvalidArgumentError') return { kind: 'refused', reason }
  const unsent =
    BEFORE_SENDING.has(cause.syscall ?? '') ||
    BEFORE_SENDING_CODES.has(cause.code ?? '') ||
    /CERT|SELF_SIGNED/.test(cause.code ?? '')
  return unsent ? { kind: 'not-sent', reason } : { kind: 'lost', reason }
}

/** With several addresses tried, the last one's failure stands for all: an aggregate is only raised while connecting. */
function rootOf(error: unknown): SystemError {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors.at(-1))
  return error instanceof Error ? error : new Error(String(error))
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  return flat
}
