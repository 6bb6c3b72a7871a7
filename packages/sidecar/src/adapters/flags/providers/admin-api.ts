import type { Json } from '@unwind/contracts'
import { judgeRead, judgeUndo } from '../../http/classify.js'
import { HttpClient } from '../../http/client.js'
import type { Exchange, HttpRequest } from '../../http/exchange.js'
import { httpUndoSchema } from '../../http/options.js'
import type { HttpTarget } from '../../http/target.js'
import { type FlagFailure, failed } from '../failure.js'
import type { WriteOutcome } from '../provider.js'

export type Document = Readonly<Record<string, Json>>

export interface AdminRequest {
  readonly method: HttpRequest['method']
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
}

/** Reads a target's wish to be let be: milliseconds from now, where its headers say one in their own way. */
export type RateLimit = (headers: Readonly<Record<string, string>>, now: number) => number | undefined

/** How a write to any of these APIs is judged; what is not listed leaves the outcome open or says why it was refused. */
const WRITE = httpUndoSchema.parse({ method: 'POST', path: '/', success: [200, 201, 202, 204] })

/** Calls to a flag store's admin API: guards, credentials and judgement are the http adapter's. */
export class AdminApi {
  readonly #client: HttpClient

  constructor(
    target: HttpTarget,
    private readonly now: () => number,
    private readonly rateLimit: RateLimit = () => undefined,
  ) {
    this.#client = new HttpClient(target, now)
  }

  /** @returns the document; null when there is none (404). */
  async get(path: string, timeoutMs: number, signal: AbortSignal): Promise<Document | null | FlagFailure> {
    const what = `GET ${path.split('?', 1)[0]}`
    const answer = await this.#client.send(
      { method: 'GET', path, headers: {}, body: null, timeoutMs },
      signal,
    )
    if (answer.kind === 'answer' && answer.status === 404) return null
    if (answer.kind !== 'answer' || answer.status !== 200)
      return this.#limited(answer, judgeRead(answer, what, this.now()))
    if (answer.body === null)
      return failed(
        'contract',
        `${what}: the answer is longer than adapter.api.maxBody`,
        'Raise adapter.api.maxBody.',
      )
    try {
      const document: unknown = JSON.parse(answer.body)
      if (typeof document === 'object' && document !== null) return document as Document
    } catch {
      // Said below.
    }
    return failed(
      'contract',
      `${what}: the answer is not a JSON object`,
      'See that adapter.api.baseUrl leads to the API.',
    )
  }

  /** "changed" stands for 409 and 412: the store saw another version than the one that this is based on. */
  async write(request: AdminRequest, timeoutMs: number, signal: AbortSignal): Promise<WriteOutcome> {
    const { method, path } = request
    const body = request.body === undefined ? null : JSON.stringify(request.body)
    const headers: Record<string, string> =
      body === null ? {} : { 'content-type': request.contentType ?? 'application/json' }
    const answer = await this.#client.send({ method, path, headers, body, timeoutMs }, signal)
    const verdict = judgeUndo(answer, WRITE, `${method} ${path}`, this.now())
    if (verdict.kind === 'done') return { kind: 'written' }
    if (verdict.kind === 'failed') return this.#limited(answer, verdict)
    if (verdict.otherwise === 'conflict') return { kind: 'changed' }
    return failed(
      'contract',
      `${method} ${path} answered 404: there is no such flag, or the credentials do not show it`,
      'See whether the recorded data names the right flag, and what project and environment the contract names.',
    )
  }

  #limited(answer: Exchange, failure: FlagFailure): FlagFailure {
    if (answer.kind !== 'answer' || answer.status !== 429 || failure.retryAfterMs !== undefined)
      return failure
    const retryAfterMs = this.rateLimit(answer.headers, this.now())
    return retryAfterMs === undefined ? failure : { ...failure, retryAfterMs }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

export function isFailure(value: unknown): value is FlagFailure {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'failed'
}

export function noSuchFlag(flag: string, where: string): FlagFailure {
  return failed(
    'contract',
    `flag ${flag} is not in ${where}`,
    'See whether it was deleted or renamed since; then restore it, or resolve the step by hand.',
  )
}
