import { z } from 'zod'
import { CliError } from '../shell/cli-error.js'
import { assertSafe } from './safe-address.js'

/** What an identity provider says of itself (OpenID Connect Discovery, RFC 8628 and RFC 7009). */
export interface Issuer {
  readonly issuer: string
  readonly tokenEndpoint: string
  /** Null: it knows no log-in by device code. */
  readonly deviceEndpoint: string | null
  /** Null: what it issued cannot be revoked. */
  readonly revocationEndpoint: string | null
}

/** An answer of the provider: what it says, or its error as OAuth names it. */
export type OAuthAnswer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly error: string; readonly description: string }

const WITHIN_MS = 10_000
const MAX_ANSWER = 256 * 1024

const documentSchema = z.looseObject({
  issuer: z.string(),
  token_endpoint: z.url(),
  device_authorization_endpoint: z.url().optional(),
  revocation_endpoint: z.url().optional(),
})
const errorSchema = z.looseObject({ error: z.string(), error_description: z.string().optional() })

/** @throws CliError "unreachable" when it cannot be asked or its document is another one's. */
export async function discover(issuer: string, signal: AbortSignal): Promise<Issuer> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    assertSafe(address)
    const answer = await fetch(address, { redirect: 'error', signal: limited(signal) })
    const found = documentSchema.safeParse(await bodyOf(answer))
    if (!answer.ok || !found.success) throw new Error(`HTTP ${answer.status}, no discovery document`)
    const { data } = found
    // Else a tenant could send people to another tenant's log-in.
    if (data.issuer !== issuer) throw new Error(`it is the document of ${data.issuer}`)
    const endpoints = {
      tokenEndpoint: data.token_endpoint,
      deviceEndpoint: data.device_authorization_endpoint ?? null,
      revocationEndpoint: data.revocation_endpoint ?? null,
    }
    for (const endpoint of Object.values(endpoints)) if (endpoint !== null) assertSafe(endpoint)
    return { issuer, ...endpoints }
  } catch (error) {
    throw unreachable(address, error, signal)
  }
}

/** One call with a form, as OAuth has it. @throws CliError "unreachable" when no answer of OAuth came. */
export async function ask(
  endpoint: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<OAuthAnswer> {
  try {
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams(form),
      // A redirect would carry the code elsewhere.
      redirect: 'error',
      signal: limited(signal),
    })
    const body = await bodyOf(answer)
    if (answer.ok) return { ok: true, body }
    const said = errorSchema.safeParse(body)
    if (!said.success) throw new Error(`HTTP ${answer.status}`)
    return { ok: false, error: said.data.error, description: said.data.error_description ?? '' }
  } catch (error) {
    throw unreachable(endpoint, error, signal)
  }
}

async function bodyOf(answer: Response): Promise<unknown> {
  const text = await answer.text()
  if (text.length > MAX_ANSWER) throw new Error('its answer is too long')
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    throw new Error(`HTTP ${answer.status}, and no JSON`)
  }
}

function limited(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)])
}

function unreachable(address: string, error: unknown, signal: AbortSignal): CliError {
  if (signal.aborted) return new CliError('interrupted', 'Stopped.')
  const { message, cause } = error as Error
  const why = cause instanceof Error && cause.message ? cause.message : message
  return new CliError(
    'unreachable',
    `The identity provider cannot be asked: ${address}: ${why}`,
    'Check the issuer (login.issuer, --issuer), and that it can be reached from here.',
  )
}
