import { PROBE_TIMEOUT_MS } from './tcp.js'

/** Lists the subjects: the cheapest call that reaches the registry's storage. `url` may carry a user and a password. */
export async function probeRegistry(url: string): Promise<void> {
  const target = new URL(`${url.replace(/\/+$/, '')}/subjects`)
  const headers: Record<string, string> = {}
  if (target.username !== '') {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
    headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
    target.username = ''
    target.password = ''
  }
  const response = await fetch(target, { headers, signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
  const body = await response.text()
  if (!response.ok) throw new Error(`the registry answered ${response.status}`)
  if (!body.trimStart().startsWith('[')) throw new Error('this is not a Confluent-compatible schema registry')
}
