import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createApiClient } from './client.js'
import { ApiUnreachable } from './problem.js'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void

async function serve(handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => handler(request, response, body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('proposes with the token, and IDs are escaped in paths', async () => {
  const seen: string[] = []
  const url = await serve((request, response, body) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`)
    response.setHeader('content-type', 'application/json')
    response.end('{"rollbackId":"rb-1"}')
  })
  const api = createApiClient({ url: `${url}/`, token: 't0' })
  expect(await api.propose({ correlationId: 'a/b', reason: 'r' })).toEqual({ rollbackId: 'rb-1' })
  await api.rollback('rb/../1')
  expect(seen).toEqual([
    'POST /v1/rollbacks Bearer t0 {"correlationId":"a/b","reason":"r"}',
    'GET /v1/rollbacks/rb%2F..%2F1 Bearer t0 ',
  ])
})

test('a problem document becomes an error with title, detail and hint', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(409, { 'content-type': 'application/problem+json' })
    response.end(
      '{"type":"urn:x","title":"It does not fit","status":409,"detail":"rollback rb-1 is closed","hint":"look"}',
    )
  })
  await expect(createApiClient({ url }).rollback('rb-1')).rejects.toMatchObject({
    name: 'ApiProblem',
    status: 409,
    type: 'urn:x',
    title: 'It does not fit',
    detail: 'rollback rb-1 is closed',
    hint: 'look',
    message: 'It does not fit: rollback rb-1 is closed',
  })
})

test('a failure that is no problem document still says what came back', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(502)
    response.end('<h1>bad gateway</h1>')
  })
  await expect(createApiClient({ url }).systems()).rejects.toMatchObject({
    status: 502,
    message: 'HTTP 502 Bad Gateway: <h1>bad gateway</h1>',
    hint: null,
  })
})

test('nobody listening, no answer in time and a redirect are all unreachable', async () => {
  const closed = await serve(() => undefined)
  const silent = createApiClient({ url: closed, timeoutMs: 50 })
  await expect(silent.systems()).rejects.toThrow(
    `the coordinator at ${closed} does not answer (no answer in time)`,
  )
  for (const close of closers.splice(0)) await close()
  await expect(createApiClient({ url: closed }).systems()).rejects.toThrow(
    `the coordinator at ${closed} does not answer (ECONNREFUSED)`,
  )
  const redirecting = await serve((_request, response) => {
    response.writeHead(302, { location: 'http://elsewhere.invalid/' })
    response.end()
  })
  await expect(createApiClient({ url: redirecting, token: 't0' }).systems()).rejects.toBeInstanceOf(
    ApiUnreachable,
  )
})

test("the caller's own abort is passed on as it is", async () => {
  const url = await serve(() => undefined)
  const abort = new AbortController()
  const asked = createApiClient({ url }).systems({ signal: abort.signal })
  abort.abort()
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
})

test('a timeline is followed over a lost connection without a gap', async () => {
  const lastIds: (string | undefined)[] = []
  const url = await serve((request, response) => {
    lastIds.push(request.headers['last-event-id'] as string | undefined)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`id: ${lastIds.length}\ndata: {"eventId":"e${lastIds.length}"}\n\n`, () =>
      response.destroy(),
    )
  })
  const stop = new AbortController()
  const seen: string[] = []
  const entries = createApiClient({ url }).follow('order-1', { signal: stop.signal })
  for await (const entry of entries) {
    seen.push(entry.eventId)
    if (seen.length === 2) stop.abort()
  }
  expect([seen, lastIds]).toEqual([
    ['e1', 'e2'],
    [undefined, '1'],
  ])
})
