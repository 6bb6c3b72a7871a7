import { readEventStream, type ServerEvent } from './event-stream.js'
import { ApiUnreachable, problemOf } from './problem.js'

export interface TransportOptions {
  /** Base URL of the coordinator, e.g. "http://127.0.0.1:7300". */
  readonly url: string
  /** Bearer token; needed when the coordinator is configured with one. A function is asked before each call: tokens end. */
  readonly token?: string | (() => Promise<string>)
  /** For one answer, milliseconds; default 15,000. A stream has no limit. */
  readonly timeoutMs?: number
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** For this answer, milliseconds; default: that of the client. */
  readonly timeoutMs?: number
  /** The same key is the same request: a repeated call is answered as the first one was, and done once. */
  readonly idempotencyKey?: string
}

/** One HTTP exchange with the coordinator; everything that goes wrong is an `ApiProblem` or an `ApiUnreachable`. */
export class Transport {
  readonly #base: string
  readonly #token: () => Promise<string | null>
  readonly #timeoutMs: number

  constructor(options: TransportOptions) {
    this.#base = options.url.replace(/\/+$/, '')
    const { token } = options
    this.#token = typeof token === 'function' ? token : async () => token || null
    this.#timeoutMs = options.timeoutMs ?? 15_000
  }

  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#json<T>('GET', path, undefined, options)
  }

  post<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.#json<T>('POST', path, body, options)
  }

  /** Resolves when the answer is a success, whatever it says. */
  async ready(path: string, options: CallOptions = {}): Promise<void> {
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
    const response = await this.#fetch(path, { signal })
    await response.body?.cancel()
  }

  /** @param lastEventId the stream goes on after this event. */
  async *stream(path: string, lastEventId: string | null, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const response = await this.#fetch(path, {
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
      },
      signal,
    })
    if (response.body === null) throw new ApiUnreachable(this.#base, new Error('an empty stream'))
    try {
      yield* readEventStream(response.body)
    } catch (error) {
      if (signal.aborted || error instanceof RangeError) throw error
      throw new ApiUnreachable(this.#base, error)
    }
  }

  async #json<T>(method: string, path: string, body: unknown, options: CallOptions): Promise<T> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? this.#timeoutMs)
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
    const response = await this.#fetch(path, {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    })
    try {
      return (response.status === 204 ? undefined : await response.json()) as T
    } catch (error) {
      if (options.signal?.aborted) throw error
      throw new ApiUnreachable(this.#base, error)
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const token = await this.#token()
    const headers = { ...(init.headers as Record<string, string>), ...bearer(token) }
    let response: Response
    try {
      // A redirect would carry the token elsewhere.
      response = await fetch(`${this.#base}${path}`, { ...init, headers, redirect: 'error' })
    } catch (error) {
      // The caller's own abort is not the server's silence; our time limit is.
      if (error instanceof Error && error.name === 'AbortError') throw error
      throw new ApiUnreachable(this.#base, error)
    }
    if (!response.ok) throw await problemOf(response)
    return response
  }
}

function bearer(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` }
}
