import { CliError } from '../shell/cli-error.js'
import { refreshed, type Tokens } from './device-grant.js'
import { alone } from './file-lock.js'
import { discover } from './issuer.js'
import type { Login, LoginStore } from './login-store.js'
import { isSafe } from './safe-address.js'

export interface SessionOptions {
  readonly store: LoginStore
  readonly apiUrl: string
  readonly signal: AbortSignal
  /** Epoch ms. */
  now(): number
}

/** A token that ends so soon is renewed before it is shown: it has to arrive. */
const SPARE_MS = 30_000

/** The token of a log-in for each call: renewed when it ends, also while a verb runs for hours. */
export class Session {
  #login: Login
  #renewal: Promise<string> | null = null

  private constructor(
    login: Login,
    private readonly options: SessionOptions,
  ) {
    this.#login = login
  }

  /** Null: nobody is logged in here. @throws CliError "usage" for an address to which no token may go. */
  static open(options: SessionOptions): Session | null {
    const login = options.store.read(options.apiUrl)
    if (login === null) return null
    if (!isSafe(options.apiUrl))
      throw new CliError(
        'usage',
        `${options.apiUrl} is not https: your token would go over the network for everybody to read.`,
        'Name the coordinator with https (--api, UNWIND_API_URL); plain http is for this machine only.',
      )
    return new Session(login, options)
  }

  get principal(): string | null {
    return this.#login.principal
  }

  /** @throws CliError when the log-in has ended. */
  async bearer(): Promise<string> {
    if (this.#isFresh(this.#login)) return this.#login.bearer
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null
    })
    return this.#renewal
  }

  #isFresh({ expiresAt }: Login): boolean {
    return expiresAt === null || expiresAt - SPARE_MS > this.options.now()
  }

  /** One process at a time: a refresh token counts once, and a second use of it ends the log-in at many providers. */
  #renew(): Promise<string> {
    const { store, apiUrl, signal, now } = this.options
    return alone(store.path, async () => {
      const login = store.read(apiUrl)
      if (login === null) throw ended('You were logged out meanwhile.')
      this.#login = login
      if (this.#isFresh(login)) return login.bearer
      const { refreshToken, issuer, clientId } = login
      if (refreshToken === null) throw ended('Your log-in has ended.')
      const tokens = await refreshed(await discover(issuer, signal), clientId, refreshToken, signal)
      if (tokens === null) {
        store.write(apiUrl, null)
        throw ended('Your log-in has ended: the identity provider does not renew it.')
      }
      this.#login = { ...login, ...kept(tokens, login.uses, now()) }
      store.write(apiUrl, this.#login)
      return this.#login.bearer
    })
  }
}

/** What of the provider's tokens is kept. @throws CliError when the one that is wanted is missing. */
export function kept(
  tokens: Tokens,
  uses: Login['uses'],
  now: number,
): Pick<Login, 'bearer' | 'expiresAt' | 'refreshToken'> {
  const bearer = uses === 'id' ? tokens.idToken : tokens.accessToken
  if (bearer === null)
    throw new CliError(
      'failure',
      'The identity provider issued no ID token.',
      'Add "openid" to login.scope, or set login.token to "access".',
    )
  const lives = uses === 'access' && tokens.livesMs !== null ? now + tokens.livesMs : expiryIn(bearer)
  return { bearer, expiresAt: lives, refreshToken: tokens.refreshToken }
}

/** What a JWT says of its own end, epoch ms. Nobody is believed for it: the coordinator checks the token. */
function expiryIn(token: string): number | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const { exp } = claims as { exp?: unknown }
    return typeof exp === 'number' ? exp * 1_000 : null
  } catch {
    return null
  }
}

function ended(message: string): CliError {
  return new CliError('failure', message, 'Run "unwind login" again.')
}
