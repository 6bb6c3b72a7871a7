import { judgeRead } from './classify.js'
import type { HttpClient } from './client.js'
import type { HttpTarget } from './target.js'
import { renderPath } from './template.js'

const TIMEOUT_MS = 5_000

/**
 * Whether the target can be reached, and where the contract names a health path, whether it takes the credentials.
 * @returns what is wrong and what to do; null when nothing is.
 */
export async function checkTarget(client: HttpClient, { options }: HttpTarget): Promise<string | null> {
  const path = options.health ? renderPath(options.health, {}) : '/'
  const answer = await client.send(
    { method: 'GET', path, headers: {}, body: null, timeoutMs: TIMEOUT_MS },
    new AbortController().signal,
  )
  if (answer.kind !== 'answer')
    return `adapter.baseUrl: ${answer.reason}. ${judgeRead(answer, 'start', Date.now()).hint}`
  // Without a health path only the connection is tried: any answer shows that something listens.
  if (!options.health || (answer.status >= 200 && answer.status < 300)) return null
  const { message, hint } = judgeRead(answer, `GET ${path}`, Date.now())
  return `adapter.health: ${message}. ${hint}`
}
