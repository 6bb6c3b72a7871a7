import type { Dispatcher } from 'undici'
import { type Exchange, type ExchangeLimits, exchange } from './exchange.js'
import type { HttpAdapterOptions } from './options.js'
import { readSecret } from './secrets.js'

type Options = NonNullable<HttpAdapterOptions['oauth2']>

export type TokenResult =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'none'; readonly exchange: Exchange }

/** A token is renewed this long before it ends, so that it does not end on the way. */
const MARGIN_MS = 10_000
const DEFAULT_LIFE_S = 300

/** Access tokens by the client credentials grant; one request at a time, whoever asks. */
export class TokenSource {
  #token: { readonly value: string; readonly until: number } | null = null
  #pending: Promise<TokenResult> | null = null

  constructor(
    private readonly options: Options,
    private readonly dispatcher: Dispatcher,
    private readonly limits: ExchangeLimits,
    private readonly now: () => number,
  ) {}

  async token(): Promise<TokenResult> {
    if (this.#token && this.#token.until > this.now()) return { kind: 'token', token: this.#token.value }
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null
    })
    return this.#pending
  }

  /** The target refused this token although it has not ended: the next call asks for another. */
  reject(token: string): void {
    if (this.#token?.value === token) this.#token = null
  }

  async #fetch(): Promise<TokenResult> {
    const { tokenUrl, clientId, clientSecret, scope, audience } = this.options
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    if (scope !== undefined) form.set('scope', scope)
    if (audience !== undefined) form.set('audience', audience)
    const secret = await readSecret(clientSecret, 'adapter.oauth2.clientSecret')
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString(
      'base64',
    )
    const headers = {
      authorization: `Basic ${basic}`,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    }
    // Not bound to one caller's signal: others wait for the same token. The limits bound it.
    const answer = await exchange(
      this.dispatcher,
      { method: 'POST', url: tokenUrl, headers, body: form.toString() },
      this.limits,
      new AbortController().signal,
    )
    return this.#take(answer)
  }

  #take(answer: Exchange): TokenResult {
    const where = `token endpoint ${this.options.tokenUrl.host}`
    if (answer.kind === 'refused') return { kind: 'none', exchange: answer }
    // The target itself saw nothing of this, whatever became of the token request.
    if (answer.kind !== 'answer')
      return { kind: 'none', exchange: { kind: 'not-sent', reason: `${where}: ${answer.reason}` } }
    if (answer.status >= 500 || answer.status === 429)
      return { kind: 'none', exchange: { kind: 'not-sent', reason: `${where} answered ${answer.status}` } }
    const grant = answer.status === 200 ? readGrant(answer.body) : null
    if (!grant)
      return {
        kind: 'none',
        exchange: {
          kind: 'refused',
          reason: `${where} answered ${answer.status} without a bearer token; check adapter.oauth2`,
        },
      }
    this.#token = {
      value: grant.token,
      until: this.now() + Math.max(grant.lifeMs - MARGIN_MS, grant.lifeMs / 2),
    }
    return { kind: 'token', token: grant.token }
  }
}

function readGrant(body: string | null): { token: string; lifeMs: number } | null {
  try {
    const grant = JSON.parse(body ?? '') as {
      access_token?: unknown
      token_type?: unknown
      expires_in?: unknown
    }
    if (typeof grant.access_token !== 'string' || !/^[\x21-\x7e]+$/.test(grant.access_token)) return null
    if (String(grant.token_type).toLowerCase() !== 'bearer') return null
    const life = Number(grant.expires_in ?? DEFAULT_LIFE_S)
    return {
      token: grant.access_token,
      lifeMs: (Number.isFinite(life) && life > 0 ? life : DEFAULT_LIFE_S) * 1000,
    }
  } catch {
    return null
  }
}
