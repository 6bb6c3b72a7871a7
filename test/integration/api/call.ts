import type { CoordinatorService } from '@unwind/coordinator'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers, compared as a whole
  readonly body: any
}

/** One request to a coordinator's API. */
export async function call(
  to: CoordinatorService,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${to.apiUrl}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

export interface StreamedEntry {
  readonly id: string
  readonly eventId: string
}

/** So many entries of a timeline's stream, then the connection is cut. */
export async function streamed(
  to: CoordinatorService,
  correlationId: string,
  count: number,
  lastEventId?: string,
): Promise<readonly StreamedEntry[]> {
  const cut = new AbortController()
  const response = await fetch(`${to.apiUrl}/v1/correlations/${correlationId}/timeline/stream`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    signal: cut.signal,
  })
  const found: StreamedEntry[] = []
  let text = ''
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString()
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const id = /^id: (.+)$/m.exec(block)?.[1]
      const data = /^data: (.+)$/m.exec(block)?.[1]
      if (id && data) found.push({ id, eventId: (JSON.parse(data) as { eventId: string }).eventId })
    }
    if (found.length >= count) break
  }
  cut.abort()
  return found.slice(0, count)
}
