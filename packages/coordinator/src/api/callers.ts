import { createHash, timingSafeEqual } from 'node:crypto'
import { type CallerView, fitting, type Policy, personOf } from '@unwind/core'
import type { FastifyRequest } from 'fastify'
import type { Caller, KnownCaller, Permission } from '../identity/caller.js'
import type { Oidc } from '../identity/oidc.js'
import { forbidden } from '../identity/refusals.js'
import type { Sightings } from '../identity/sightings.js'
import { SecurityProblem } from '../operations/problem.js'

/** A token of somebody who develops, on the machine where the coordinator runs. */
export interface DevelopmentToken {
  readonly token: string
  readonly principal: string
  readonly roles: readonly string[]
  readonly teams: readonly string[]
}

export interface Identity {
  /** Null: development tokens only. */
  readonly oidc: Oidc | null
  readonly developmentTokens: readonly DevelopmentToken[]
  readonly sightings: Sightings
}

export interface CallersOptions {
  /** Bearer token that callers must show. Null: anyone who reaches the port. Without meaning where `identity` is given. */
  readonly token: string | null
  /** In whose name callers act who name nobody. */
  readonly actor: string
  /** Who callers are is known one by one. Absent: whoever may call may act under any name. */
  readonly identity?: Identity
  readonly policy?: () => Policy
  /** Epoch ms. */
  readonly now?: () => number
}

const PERMISSIONS = ['read', 'propose', 'operate', 'approve', 'acknowledge'] as const satisfies Permission[]
const LOCAL: Caller = { kind: 'local' }

/** Who calls, and what they may ask for at all. What a plan needs is governed by the policy's rules besides. */
export class Callers {
  readonly #token: Buffer | null
  readonly #development: readonly { readonly digest: Buffer; readonly caller: KnownCaller }[]
  readonly #known = new WeakMap<FastifyRequest, Caller>()

  constructor(private readonly options: CallersOptions) {
    this.#token = options.token === null ? null : digest(options.token)
    this.#development = (options.identity?.developmentTokens ?? []).map(
      ({ token, principal, roles, teams }) => ({
        digest: digest(token),
        caller: {
          kind: 'known',
          principal,
          subject: `development#${principal}`,
          roles,
          teams,
          vouched: true,
        },
      }),
    )
  }

  /** @throws SecurityProblem when it is not known who calls. */
  async check(request: FastifyRequest): Promise<void> {
    const { identity } = this.options
    this.#known.set(request, identity ? await this.#identify(request, identity) : this.#local(request))
  }

  of(request: FastifyRequest): Caller {
    const caller = this.#known.get(request)
    // A route that no check stands before must not pass for one that anybody may call.
    if (!caller) throw new Error('the caller of this request was not looked at')
    return caller
  }

  /** @throws SecurityProblem when this caller may not. */
  permit(caller: Caller, permission: Permission): void {
    const { policy } = this.options
    if (caller.kind === 'local' || !policy) return
    const now = policy()
    const person = personOf(now, caller)
    if (fitting(now.permissions[permission], person) !== null) return
    throw forbidden(
      `may-not-${permission}`,
      `${caller.principal} has ${person.roles.length === 0 ? 'no role' : `the roles ${person.roles.join(', ')}`}; it takes ${now.permissions[permission].join(' or ')}`,
      'ask somebody who may, or have the role given to you',
    )
  }

  /** For the caller themselves. */
  view(caller: Caller): CallerView {
    if (caller.kind === 'local')
      return { principal: null, subject: null, roles: [], teams: [], may: [...PERMISSIONS] }
    const policy = this.options.policy?.()
    const person = policy ? personOf(policy, caller) : caller
    const may = PERMISSIONS.filter(
      one => !policy || fitting(policy.permissions[one], personOf(policy, caller)),
    )
    const { principal, subject } = caller
    return { principal, subject, roles: [...person.roles], teams: [...person.teams], may }
  }

  /**
   * In whose name this caller acts.
   * @param named whom the request names; null: nobody.
   * @throws SecurityProblem when somebody who is known names another one.
   */
  actor(caller: Caller, named: string | null): string {
    if (caller.kind === 'local') return named ?? this.options.actor
    if (named === null || named === caller.principal) return caller.principal
    throw forbidden(
      'not-you',
      `the request names ${named}, and ${caller.principal} sent it`,
      'leave actor out: you act in your own name',
    )
  }

  async #identify(request: FastifyRequest, { oidc, sightings }: Identity): Promise<Caller> {
    const shown = bearerOf(request)
    if (shown === null) throw tokenNeeded('the request shows no bearer token', 'log in with "unwind login"')
    const developer = this.#development.find(one => timingSafeEqual(one.digest, digest(shown)))
    if (developer) {
      assertFromHere(request)
      return developer.caller
    }
    if (!oidc) throw tokenNeeded('the bearer token is none of those that are configured', 'show one of them')
    const caller = await oidc.callerOf(shown)
    sightings.note(caller, (this.options.now ?? Date.now)())
    return caller
  }

  #local(request: FastifyRequest): Caller {
    if (this.#token === null) {
      assertLocal(request.headers.host)
      return LOCAL
    }
    const shown = bearerOf(request)
    if (shown === null || !timingSafeEqual(digest(shown), this.#token))
      throw tokenNeeded(
        shown === null
          ? 'the request shows no bearer token'
          : 'the bearer token is not the one that is configured',
        'send "Authorization: Bearer <token>" with the token of the coordinator (api.token)',
      )
    return LOCAL
  }
}

function bearerOf(request: FastifyRequest): string | null {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? null
}

const tokenNeeded = (detail: string, hint: string) =>
  new SecurityProblem('token-needed', 401, 'token-needed', 'A token is needed', detail, hint)

/** Without a token the port is only as safe as the machine: a web page must not get in by giving its own name to 127.0.0.1. */
function assertLocal(host: string | undefined): void {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase()
  if (name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name)) return
  throw new SecurityProblem(
    'not-local',
    403,
    'not-local',
    'Only local calls without a token',
    `the request was addressed to ${JSON.stringify(host ?? '')}, and no token is configured`,
    'call 127.0.0.1, or configure api.token and show it',
  )
}

/** The connection itself comes from this machine, and no proxy says that it is somebody else's. */
function assertFromHere(request: FastifyRequest): void {
  const from = request.socket.remoteAddress ?? ''
  const isHere = from === '::1' || /^(::ffff:)?127\./.test(from)
  const passedOn = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].find(name => name in request.headers)
  if (isHere && passedOn === undefined) return
  throw forbidden(
    'development-token-from-afar',
    `a development token counts on the coordinator's own machine only; the request came ${isHere ? `through a proxy (${passedOn})` : `from ${from}`}`,
    'log in with "unwind login"',
  )
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
