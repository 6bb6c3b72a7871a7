import { randomBytes } from 'node:crypto'

interface Pending {
  readonly deviceCode: string
  readonly clientId: string
  readonly scope: string
  decision: 'waiting' | 'denied' | 'expired' | { readonly name: string; readonly groups: readonly string[] }
}

/** What the endpoints answer: status and JSON. */
type Answer = readonly [status: number, body: object]

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const error = (name: string): Answer => [400, { error: name }]

/** Log-ins by device code at the test's identity provider (RFC 8628), with refresh tokens that count once (RFC 9700). */
export class DeviceLogins {
  readonly clientId = 'unwind-cli'
  /** Seconds between two questions; small, so that specs do not wait. */
  interval = 0.02
  expiresIn = 600
  /** Of access tokens, seconds. */
  livesFor = 300
  /** So many next questions are answered with "slow_down". */
  slow = 0
  readonly revoked: string[] = []
  /** How often a refresh token was taken. */
  refreshes = 0
  readonly #pending = new Map<string, Pending>()
  readonly #refresh = new Map<string, { readonly name: string; readonly groups: readonly string[] }>()

  /** @param issue an access token of somebody. */
  constructor(
    private readonly origin: () => string,
    private readonly issue: (name: string, groups: readonly string[], livesFor: number) => string,
  ) {}

  get endpoints(): object {
    const origin = this.origin()
    return {
      token_endpoint: `${origin}/token`,
      device_authorization_endpoint: `${origin}/device`,
      revocation_endpoint: `${origin}/revoke`,
    }
  }

  /** What the person does in the browser. @param who null: they say no. */
  decide(userCode: string, who: { readonly name: string; readonly groups: readonly string[] } | null): void {
    const pending = this.#pending.get(userCode)
    if (!pending) throw new Error(`nobody asked for ${userCode}`)
    pending.decision = who ?? 'denied'
  }

  expire(userCode: string): void {
    this.#pending.get(userCode)!.decision = 'expired'
  }

  /** All refresh tokens of a person end, as when an administrator ends the session. */
  end(): void {
    this.#refresh.clear()
  }

  /** @returns null for a path that is none of these. */
  answer(path: string, form: URLSearchParams): Answer | null {
    if (path !== '/device' && path !== '/token' && path !== '/revoke') return null
    if (form.get('client_id') !== this.clientId) return [401, { error: 'invalid_client' }]
    if (path === '/device') return this.#begin(form)
    if (path === '/revoke') {
      this.revoked.push(form.get('token') ?? '')
      this.#refresh.delete(form.get('token') ?? '')
      return [200, {}]
    }
    return form.get('grant_type') === GRANT ? this.#device(form) : this.#renew(form)
  }

  #begin(form: URLSearchParams): Answer {
    const letters = randomBytes(8).toString('hex').toUpperCase()
    const userCode = `${letters.slice(0, 4)}-${letters.slice(4, 8)}`
    const deviceCode = randomBytes(16).toString('base64url')
    const scope = form.get('scope') ?? ''
    this.#pending.set(userCode, { deviceCode, clientId: this.clientId, scope, decision: 'waiting' })
    const uri = `${this.origin()}/activate`
    return [
      200,
      {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: uri,
        verification_uri_complete: `${uri}?user_code=${userCode}`,
        expires_in: this.expiresIn,
        interval: this.interval,
      },
    ]
  }

  #device(form: URLSearchParams): Answer {
    const found = [...this.#pending].find(([, { deviceCode }]) => deviceCode === form.get('device_code'))
    if (!found) return error('invalid_grant')
    const [userCode, { decision, scope }] = found
    if (this.slow > 0) {
      this.slow--
      return error('slow_down')
    }
    if (decision === 'waiting') return error('authorization_pending')
    // A code is good for one token.
    this.#pending.delete(userCode)
    if (decision === 'denied') return error('access_denied')
    if (decision === 'expired') return error('expired_token')
    return this.#tokens(decision, scope.split(' ').includes('offline_access'))
  }

  #renew(form: URLSearchParams): Answer {
    const token = form.get('refresh_token') ?? ''
    const who = this.#refresh.get(token)
    if (form.get('grant_type') !== 'refresh_token') return error('unsupported_grant_type')
    if (!who) {
      // A second use shows that somebody else has it: the whole session ends.
      this.#refresh.clear()
      return error('invalid_grant')
    }
    this.#refresh.delete(token)
    this.refreshes++
    return this.#tokens(who, true)
  }

  #tokens(who: { readonly name: string; readonly groups: readonly string[] }, offline: boolean): Answer {
    const refresh = randomBytes(16).toString('base64url')
    if (offline) this.#refresh.set(refresh, who)
    const access = this.issue(who.name, who.groups, this.livesFor)
    const body = { access_token: access, token_type: 'Bearer', expires_in: this.livesFor }
    return [200, offline ? { ...body, refresh_token: refresh } : body]
  }
}
