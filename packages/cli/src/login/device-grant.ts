import { z } from 'zod'
import { CliError } from '../shell/cli-error.js'
import { ask, type Issuer, type OAuthAnswer } from './issuer.js'

export interface DeviceClient {
  readonly issuer: Issuer
  readonly clientId: string
  /** Space-separated. */
  readonly scope: string
  /** For whom the token shall be, where the provider wants it named. */
  readonly audience: string | null
}

/** What a person needs to let this machine in. */
export interface DeviceCode {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  /** With the code in it; null: the provider has none. */
  readonly completeUri: string | null
  /** Epoch ms. */
  readonly expiresAt: number
  readonly intervalMs: number
}

/** What the provider issued. Its tokens are secrets: they stand in no message. */
export interface Tokens {
  readonly accessToken: string
  readonly idToken: string | null
  /** Null: the log-in ends with the token. */
  readonly refreshToken: string | null
  /** Of the access token, ms; null: the provider does not say. */
  readonly livesMs: number | null
}

export interface Waiting {
  readonly signal: AbortSignal
  /** Epoch ms. */
  now(): number
  pause(ms: number): Promise<void>
}

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
/** RFC 8628, 3.2 and 3.5. */
const INTERVAL_S = 5
const SLOWER_MS = 5_000
const SLOWEST_MS = 60_000

const codeSchema = z.looseObject({
  device_code: z.string().min(1),
  user_code: z.string().min(1).max(100),
  verification_uri: z.url(),
  verification_uri_complete: z.url().optional(),
  expires_in: z.number().positive(),
  interval: z.number().min(0).max(600).default(INTERVAL_S),
})
const tokenSchema = z.looseObject({
  access_token: z.string().min(1),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.number().positive().optional(),
  refresh_token: z.string().min(1).optional(),
  id_token: z.string().min(1).optional(),
})

/** Asks for a code that a person enters elsewhere (RFC 8628, 3.1). @throws CliError saying what the provider refuses. */
export async function beginLogin(client: DeviceClient, waiting: Waiting): Promise<DeviceCode> {
  const { issuer, clientId, scope, audience } = client
  if (issuer.deviceEndpoint === null)
    throw new CliError(
      'failure',
      `${issuer.issuer} offers no log-in by device code.`,
      'Have the device authorization grant (RFC 8628) allowed for this client, or show a token as UNWIND_API_TOKEN.',
    )
  const form = { client_id: clientId, scope, ...(audience === null ? {} : { audience }) }
  const answer = await ask(issuer.deviceEndpoint, form, waiting.signal)
  if (!answer.ok) throw refused(answer, 'no code')
  const said = read(codeSchema, answer.body, 'code')
  return {
    deviceCode: said.device_code,
    userCode: said.user_code,
    verificationUri: said.verification_uri,
    completeUri: said.verification_uri_complete ?? null,
    expiresAt: waiting.now() + said.expires_in * 1_000,
    intervalMs: said.interval * 1_000,
  }
}

/** Asks until the person has decided (RFC 8628, 3.4). @throws CliError when they refused, the time is over, or it was interrupted. */
export async function awaitDecision(
  client: DeviceClient,
  code: DeviceCode,
  waiting: Waiting,
): Promise<Tokens> {
  const form = { grant_type: GRANT, device_code: code.deviceCode, client_id: client.clientId }
  let { intervalMs } = code
  for (;;) {
    await waiting.pause(intervalMs)
    if (waiting.signal.aborted) throw new CliError('interrupted', 'Stopped before anybody was logged in.')
    if (waiting.now() >= code.expiresAt) throw tooLate()
    const answer = await ask(client.issuer.tokenEndpoint, form, waiting.signal).catch(error => {
      if (!(error instanceof CliError) || error.exit !== 'unreachable') throw error
      return null
    })
    if (answer === null) intervalMs = Math.min(Math.max(intervalMs, 1_000) * 2, SLOWEST_MS)
    else if (answer.ok) return tokensOf(answer.body)
    else if (answer.error === 'slow_down') intervalMs += SLOWER_MS
    else if (answer.error === 'expired_token') throw tooLate()
    else if (answer.error === 'access_denied')
      throw new CliError('failure', 'The log-in was refused at the identity provider.', null)
    else if (answer.error !== 'authorization_pending') throw refused(answer, 'no token')
  }
}

/** @returns null when the log-in has ended: somebody must log in again. @throws CliError when the provider cannot be asked. */
export async function refreshed(
  issuer: Issuer,
  clientId: string,
  refreshToken: string,
  signal: AbortSignal,
): Promise<Tokens | null> {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId }
  const answer = await ask(issuer.tokenEndpoint, form, signal)
  if (!answer.ok) {
    if (answer.error === 'invalid_grant') return null
    throw refused(answer, 'no new token')
  }
  const tokens = tokensOf(answer.body)
  // A provider that does not rotate says nothing of the one that goes on to count.
  return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken }
}

function tokensOf(body: unknown): Tokens {
  const said = read(tokenSchema, body, 'token')
  return {
    accessToken: said.access_token,
    idToken: said.id_token ?? null,
    refreshToken: said.refresh_token ?? null,
    livesMs: said.expires_in === undefined ? null : said.expires_in * 1_000,
  }
}

function read<S extends z.ZodType>(schema: S, body: unknown, what: string): z.output<S> {
  const found = schema.safeParse(body)
  if (found.success) return found.data
  const where = found.error.issues[0]?.path.join('.') ?? ''
  throw new CliError(
    'failure',
    `The identity provider's ${what} is not one: ${where} is missing or wrong.`,
    null,
  )
}

function tooLate(): CliError {
  return new CliError('failure', 'Nobody entered the code in time.', 'Run "unwind login" again.')
}

function refused({ error, description }: Extract<OAuthAnswer, { ok: false }>, what: string): CliError {
  const why = description === '' ? error : `${error}: ${description}`
  return new CliError(
    'failure',
    `The identity provider gives ${what}: ${why}`,
    'Check login.clientId, login.scope and login.audience, and that the client may use device codes.',
  )
}
