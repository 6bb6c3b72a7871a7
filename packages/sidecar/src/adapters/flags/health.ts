import { setTimeout as wait } from 'node:timers/promises'
import { judgeRead } from '../http/classify.js'
import type { HttpClient } from '../http/client.js'
import { sameJson, valueAt } from '../http/pointer.js'
import { renderJson, renderPath, renderText } from '../http/template.js'
import type { HealthProbe } from './options.js'

/**
 * Whether the systems around a flag still do well while a stage rests. One bad answer may be chance, so it is asked again
 * until `within` is over.
 * @returns what is wrong; null when nothing is, or when the wait was broken off.
 */
export async function unhealthyBecause(
  client: HttpClient,
  probe: HealthProbe,
  signal: AbortSignal,
  now: () => number,
): Promise<string | null> {
  const end = now() + probe.within
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
    const problem = await ask(client, probe, signal, now)
    const left = end - now()
    if (problem === null || signal.aborted) return null
    if (left <= 0) return problem
    await wait(Math.min(pauseMs, left), undefined, { signal }).catch(() => undefined)
  }
}

async function ask(
  client: HttpClient,
  probe: HealthProbe,
  signal: AbortSignal,
  now: () => number,
): Promise<string | null> {
  const path = renderPath(probe.path, {})
  const headers = Object.fromEntries(
    Object.entries(probe.headers).map(([name, value]) => [name.toLowerCase(), renderText(value, {})]),
  )
  const timeoutMs = Math.max(probe.within, 1_000)
  const answer = await client.send({ method: 'GET', path, headers, body: null, timeoutMs }, signal)
  const what = `GET ${path}`
  if (answer.kind !== 'answer') return judgeRead(answer, what, now()).message
  if (!probe.status.includes(answer.status)) return `${what} answered ${answer.status}`
  let document: unknown
  try {
    document = JSON.parse(answer.body ?? '')
  } catch {
    document = undefined
  }
  for (const { at, pointer, value } of probe.expect) {
    const found = valueAt(document, pointer)
    const wanted = renderJson(value, {})
    if (!sameJson(found, wanted))
      return `${what} has ${JSON.stringify(found) ?? 'nothing'} at ${at}, expected ${JSON.stringify(wanted)}`
  }
  return null
}
