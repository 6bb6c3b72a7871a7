const DAY_MS = 86_400_000

/**
 * The `Retry-After` header (RFC 9110: seconds or an HTTP date) as milliseconds from now, at most a day, so that a target
 * cannot put a rollback to sleep for ever (I7).
 * @param now epoch ms.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), DAY_MS) : undefined
}
