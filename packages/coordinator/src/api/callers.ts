import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Problem } from '../operations/problem.js'

export interface CallersOptions {
  /** Bearer token that callers must show. Null: anyone who reaches the port. */
  readonly token: string | null
  /** In whose name callers act who name nobody. */
  readonly actor: string
}

/** Who calls. One token and one name for now; what a caller may do beyond that is governed by the policy's approvals. */
export class Callers {
  readonly #token: Buffer | null

  constructor(private readonly options: CallersOptions) {
    this.#token = options.token === null ? null : digest(options.token)
  }

  /** @throws Problem when the caller does not show the token. */
  check(request: FastifyRequest): void {
    if (this.#token === null) {
      assertLocal(request.headers.host)
      return
    }
    const shown = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (shown === undefined || !timingSafeEqual(digest(shown), this.#token))
      throw new Problem(
        401,
        'token-needed',
        'A token is needed',
        shown === undefined
          ? 'the request shows no bearer token'
          : 'the bearer token is not the one that is configured',
        'send "Authorization: Bearer <token>" with the token of the coordinator (api.token)',
      )
  }

  /** @param named whom the request names; null: nobody. */
  actor(named: string | null): string {
    return named ?? this.options.actor
  }
}

/** Without a token the port is only as safe as the machine: a web page must not get in by giving its own name to 127.0.0.1. */
function assertLocal(host: string | undefined): void {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase()
  if (name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name)) return
  throw new Problem(
    403,
    'not-local',
    'Only local calls without a token',
    `the request was addressed to ${JSON.stringify(host ?? '')}, and no token is configured`,
    'call 127.0.0.1, or configure api.token and show it',
  )
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
