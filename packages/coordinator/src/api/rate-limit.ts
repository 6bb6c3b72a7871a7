import { Problem } from '../operations/problem.js'

export interface RateLimitOptions {
  /** Of one caller, over time. */
  readonly perSecond: number
  /** At once, after a rest. */
  readonly burst: number
  /** Epoch ms. */
  now(): number
}

export interface Allowance {
  readonly allowed: boolean
  /** Requests that may follow at once. */
  readonly remaining: number
  /** Until the next one is allowed, or until all of the burst is there again, whole seconds. */
  readonly resetSeconds: number
}

const MOST_CALLERS = 10_000

/** So many requests a second from each caller; who rests may send a burst. One number a caller is all that is kept. */
export class RateLimit {
  /** By caller: when its debt is paid, epoch ms. In the order of last use. */
  readonly #paidAt = new Map<string, number>()

  constructor(private readonly options: RateLimitOptions) {}

  take(caller: string): Allowance {
    const { perSecond, burst } = this.options
    const now = this.options.now()
    const cost = 1_000 / perSecond
    const paidAt = Math.max(now, this.#paidAt.get(caller) ?? 0)
    const debt = paidAt - now
    const allowed = debt <= (burst - 1) * cost
    const next = allowed ? paidAt + cost : paidAt
    this.#paidAt.delete(caller)
    this.#paidAt.set(caller, next)
    if (this.#paidAt.size > MOST_CALLERS) this.#paidAt.delete(this.#paidAt.keys().next().value!)
    const waitMs = allowed ? next - now : debt - (burst - 1) * cost
    return {
      allowed,
      remaining: Math.max(0, Math.floor(burst - (next - now) / cost)),
      resetSeconds: Math.max(1, Math.ceil(waitMs / 1_000)),
    }
  }

  /** Headers of draft-ietf-httpapi-ratelimit-headers, for every answer. */
  headers({ remaining, resetSeconds }: Allowance): Readonly<Record<string, string>> {
    const { perSecond, burst } = this.options
    return {
      'ratelimit-policy': `"caller";q=${burst};w=${Math.max(1, Math.ceil(burst / perSecond))}`,
      ratelimit: `"caller";r=${remaining};t=${resetSeconds}`,
    }
  }
}

export function tooManyRequests({ resetSeconds }: Allowance): Problem {
  return new Problem(
    429,
    'too-many-requests',
    'Too many requests',
    'this caller sends more requests than one caller may',
    `wait ${resetSeconds} s (see Retry-After), or raise api.requestsPerSecond; a stream tells of changes without asking`,
  )
}
