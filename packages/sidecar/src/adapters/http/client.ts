import { readFileSync } from 'node:fs'
import { Agent } from 'undici'
import { ContractError } from '../../adapter/port.js'
import { AddressRefused, assertHostAllowed, guardedLookup } from './address.js'
import { type Exchange, exchange, type HttpRequest } from './exchange.js'
import { TokenSource } from './oauth2.js'
import { readSecretHeaders } from './secrets.js'
import type { HttpTarget } from './target.js'

/** A request as a contract's action makes it: path below baseUrl, headers without credentials. */
export interface TargetRequest {
  readonly method: HttpRequest['method']
  /** Rendered path and query, beginning with "/". */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** Milliseconds. */
  readonly timeoutMs: number
}

/** Below the usual five seconds after which servers close idle connections: a reused one must not be dying already. */
const KEEP_ALIVE_MS = 4_000
const CONNECT_CAP_MS = 5_000
const OAUTH_TIMEOUT_MS = 5_000

/** Connections and credentials towards one target. */
export class HttpClient {
  readonly #agent: Agent
  readonly #tokens: TokenSource | null

  /** @throws ContractError when a certificate or key file cannot be read. */
  constructor(
    private readonly target: HttpTarget,
    now: () => number,
  ) {
    const { options } = target
    const timeouts = [...target.actions.values()].map(action => action.timeoutMs)
    this.#agent = new Agent({
      // Shorter than any call's own limit: a connection that does not come about is then known to have sent nothing.
      connect: {
        lookup: guardedLookup,
        timeout: Math.min(CONNECT_CAP_MS, ...timeouts.map(ms => Math.ceil(ms / 2))),
        ...tlsOptions(target),
      },
      connections: options.connections,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Every exchange has its own limit over the whole of it.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    const limits = { timeoutMs: OAUTH_TIMEOUT_MS, maxBodyBytes: options.maxBody }
    this.#tokens = options.oauth2 ? new TokenSource(options.oauth2, this.#agent, limits, now) : null
  }

  /** Never throws for what the target does. */
  async send(
    { method, path, headers, body, timeoutMs }: TargetRequest,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const { options } = this.target
    let credentials: Record<string, string>
    const url = this.urlOf(path)
    try {
      assertHostAllowed(url)
      credentials = await readSecretHeaders(options.headers)
      const grant = await this.#tokens?.token()
      if (grant?.kind === 'none') return grant.exchange
      if (grant) credentials.authorization = `Bearer ${grant.token}`
    } catch (error) {
      if (error instanceof ContractError || error instanceof AddressRefused)
        return { kind: 'refused', reason: error.message }
      throw error
    }
    const request = { method, url, headers: { accept: 'application/json', ...headers, ...credentials }, body }
    const answer = await exchange(this.#agent, request, { timeoutMs, maxBodyBytes: options.maxBody }, signal)
    if (answer.kind === 'answer' && answer.status === 401 && credentials.authorization)
      this.#tokens?.reject(credentials.authorization.slice('Bearer '.length))
    return answer
  }

  urlOf(path: string): URL {
    const { baseUrl } = this.target.options
    return new URL(baseUrl.pathname.replace(/\/$/, '') + path, baseUrl.origin)
  }

  /** Idempotent; requests under way are broken off. */
  async close(): Promise<void> {
    if (!this.#agent.destroyed) await this.#agent.destroy()
  }
}

function tlsOptions({ options, system }: HttpTarget): { ca?: string; cert?: string; key?: string } {
  const read = (file: string | undefined, key: string) => {
    if (file === undefined) return undefined
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      throw new ContractError(
        `contract ${system}, adapter.tls.${key}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`,
      )
    }
  }
  const [ca, cert, key] = [
    read(options.tls?.caFile, 'caFile'),
    read(options.tls?.certFile, 'certFile'),
    read(options.tls?.keyFile, 'keyFile'),
  ]
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}
