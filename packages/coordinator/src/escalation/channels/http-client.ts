import {
  AddressRefused,
  assertAddressAllowed,
  isLocalAddress,
  isRefusedAddress,
  lookupGuardedBy,
} from '@unwind/runtime'
import { Agent, request } from 'undici'
import type { Sent } from './channel.js'

const ANSWER_WITHIN_MS = 10_000
const CONNECT_WITHIN_MS = 5_000
const LONGEST_WAIT_MS = 600_000

/** What a channel may reach: `local` opens loopback and private addresses, and plain HTTP; metadata addresses never are. */
export function refusesAddress(local: boolean): (address: string) => boolean {
  return address => isRefusedAddress(address) || (!local && isLocalAddress(address))
}

/** Posts JSON to the outside. Follows no redirect: it could lead where the look-up would not. */
export class ChannelHttp {
  readonly #agent: Agent
  readonly #refuses: (address: string) => boolean

  /** @param connections open at once. */
  constructor(
    private readonly local: boolean,
    connections: number,
  ) {
    this.#refuses = refusesAddress(local)
    this.#agent = new Agent({
      connect: { lookup: lookupGuardedBy(this.#refuses), timeout: CONNECT_WITHIN_MS },
      connections,
      keepAliveTimeout: 4_000,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
    })
  }

  async post(
    target: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Sent> {
    if (!URL.canParse(target)) return { kind: 'refused', reason: 'its URL is not a URL: look at its file' }
    const url = new URL(target)
    const { host } = url
    if (url.protocol !== 'https:' && !(this.local && url.protocol === 'http:'))
      return {
        kind: 'refused',
        reason: `${host} would be called without TLS: use https, or set "local: true" for a server in the same network`,
      }
    try {
      assertAddressAllowed(url.hostname.replace(/^\[|\]$/g, ''), this.#refuses)
      const answer = await request(url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json', 'user-agent': 'unwind', ...headers },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      })
      await answer.body.dump()
      return judge(host, answer.statusCode, answer.headers['retry-after'])
    } catch (error) {
      return unreachable(host, error)
    }
  }

  async close(): Promise<void> {
    if (!this.#agent.destroyed) await this.#agent.destroy()
  }
}

function judge(host: string, status: number, retryAfter: string | string[] | undefined): Sent {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  const reason = `${host} answered ${status}`
  if (status !== 408 && status !== 429 && status < 500)
    return { kind: 'refused', reason: `${reason}: look at its URL and its key` }
  const seconds = Number(retryAfter)
  return Number.isFinite(seconds) && seconds > 0
    ? { kind: 'again', reason, afterMs: Math.min(seconds * 1_000, LONGEST_WAIT_MS) }
    : { kind: 'again', reason }
}

function unreachable(host: string, error: unknown): Sent {
  const refused = error instanceof AddressRefused ? error : (error as { cause?: unknown }).cause
  if (refused instanceof AddressRefused)
    return { kind: 'refused', reason: `${refused.message}; set "local: true" where that is meant` }
  const { code, name } = error as { code?: string; name?: string }
  return { kind: 'again', reason: `${host} cannot be reached: ${code ?? name ?? 'unknown'}` }
}
