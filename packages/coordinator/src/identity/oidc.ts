import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { Problem } from '../operations/problem.js'
import type { KnownCaller } from './caller.js'
import { type ClaimMapping, callerFrom } from './claims.js'
import { refusedToken } from './refusals.js'

/** Signatures with a key pair only: with a shared secret, whoever checks a token could make one. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export interface OidcOptions extends ClaimMapping {
  readonly issuer: string
  readonly audience: string
  /** Where the issuer's public keys are. Null: its discovery document says. */
  readonly jwksUri: string | null
  readonly algorithms: readonly Algorithm[]
  /** How far clocks may be apart, milliseconds. */
  readonly clockSkewMs: number
  /** An older token is refused, whatever it says of its end, milliseconds. */
  readonly maxTokenAgeMs: number
  /** Epoch ms. Default: the system's clock. */
  readonly now?: () => number
  /** Keys are asked for again, for one that is not known, at most so often, milliseconds. Default 30,000. */
  readonly keysAgainMs?: number
}

const WITHIN_MS = 5_000
const KEYS_AGAIN_MS = 30_000
const MAX_DOCUMENT = 256 * 1024

/** Checks tokens of one issuer against the keys that it publishes. */
export class Oidc {
  #keys: Promise<JWTVerifyGetKey> | null = null

  constructor(private readonly options: OidcOptions) {}

  /** @throws Problem 401 with what is wrong with the token; 503 when the issuer's keys cannot be had. */
  async callerOf(token: string): Promise<KnownCaller> {
    const { issuer, audience, algorithms, clockSkewMs, maxTokenAgeMs, now = Date.now } = this.options
    try {
      const { payload } = await jwtVerify(token, await this.#issuerKeys(), {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockSkewMs / 1_000,
        maxTokenAge: maxTokenAgeMs / 1_000,
        requiredClaims: ['exp', 'iat', 'sub'],
        currentDate: new Date(now()),
      })
      const caller = callerFrom(payload, this.options)
      if (typeof caller === 'string') throw refusedToken('no-name', caller)
      return caller
    } catch (error) {
      throw asProblem(error)
    }
  }

  #issuerKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#find().catch(error => {
      // Asked again by the next caller: an issuer that was away is not away for ever.
      this.#keys = null
      throw error
    })
    return this.#keys
  }

  async #find(): Promise<JWTVerifyGetKey> {
    const { issuer, jwksUri, keysAgainMs = KEYS_AGAIN_MS } = this.options
    const address = jwksUri ?? (await discovered(issuer))
    return createRemoteJWKSet(new URL(address), {
      timeoutDuration: WITHIN_MS,
      cooldownDuration: keysAgainMs,
    })
  }
}

async function discovered(issuer: string): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const answer = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(WITHIN_MS) })
    const text = await answer.text()
    if (!answer.ok || text.length > MAX_DOCUMENT) throw new Error(`HTTP ${answer.status}`)
    const { issuer: said, jwks_uri: keys } = JSON.parse(text) as { issuer?: unknown; jwks_uri?: unknown }
    if (said !== issuer) throw new Error(`it is the document of ${String(said)}`)
    if (typeof keys !== 'string') throw new Error('it has no jwks_uri')
    assertSafe(keys)
    return keys
  } catch (error) {
    throw unavailable(`${address}: ${(error as Error).message}`)
  }
}

/** @throws Error for an address over which anybody on the way could put their own keys. */
export function assertSafe(address: string): void {
  const { protocol, hostname } = new URL(address)
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLocal))
    throw new Error(`${address} is not https; keys over plain http are anybody's`)
}

/** Why a token does not do, in words that say nothing of the token itself. */
function asProblem(error: unknown): unknown {
  if (error instanceof Problem) return error
  if (error instanceof errors.JWTExpired) return refusedToken('expired', error.message)
  if (error instanceof errors.JWTClaimValidationFailed)
    return refusedToken(`claim-${error.claim}`, `${error.message} (claim ${error.claim})`)
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refusedToken('algorithm', 'its algorithm is not allowed')
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return refusedToken('unknown-key', 'the issuer publishes no one key that it names')
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refusedToken('signature', 'its signature does not hold')
  if (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error instanceof TypeError
  )
    return unavailable(error.message)
  if (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')
    return unavailable(error.message)
  if (error instanceof errors.JOSEError)
    return refusedToken('malformed', `it is no such token: ${error.message}`)
  return error
}

function unavailable(why: string): Problem {
  return new Problem(
    503,
    'identity-unavailable',
    "The identity provider's keys cannot be had",
    why,
    'see to the identity provider, then ask again; rollbacks under way go on',
  )
}
