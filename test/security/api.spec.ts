import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HostileShop } from '../e2e/hostile-shop.js'

const TOKEN = 'a-token-that-nobody-guesses'

describe('the HTTP API, attacked', () => {
  let hostile: HostileShop
  let open: URL
  let guarded: URL
  beforeAll(async () => {
    hostile = await HostileShop.open()
    open = new URL(hostile.coordinator.apiUrl!)
    const { service } = await hostile.site.coordinator({ api: { port: 0, token: TOKEN } })
    guarded = new URL(service.apiUrl!)
  })
  afterAll(() => hostile?.site.close())

  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, open), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
  const problemOf = async (answer: Response) => {
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    return (await answer.json()) as Record<string, unknown>
  }
  /** Bytes as they are; the answer up to the end of the connection. */
  const raw = (bytes: string | Buffer) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: open.hostname, port: Number(open.port) }, () => socket.write(bytes))
      let text = ''
      socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')))
      socket.on('data', chunk => {
        text += chunk
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })
  /** A request whose Host header is the attacker's to choose. */
  const withHost = (host: string) =>
    new Promise<number>((resolve, reject) => {
      const { hostname, port } = open
      httpRequest({ hostname, port, path: '/v1/systems', headers: { host } }, response => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })

  it.each(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:7300', '2130706433', '0x7f.1'])(
    'without a token, a page that was re-bound to this address does not get in as %j',
    async host => {
      expect(await withHost(host)).toBe(403)
    },
  )

  it.each(['127.0.0.1:7300', 'localhost', '[::1]:7300', '127.9.9.9'])('%s is local', async host => {
    expect(await withHost(host)).toBe(200)
  })

  it.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer wrong' }],
    ['a part of it', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['more than it', { authorization: `Bearer ${TOKEN}x` }],
    ['another scheme', { authorization: `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}` }],
    ['it in the address', {}],
  ])('with a token configured, %s does not do', async (_what, headers) => {
    const answer = await fetch(new URL(`/v1/systems?token=${TOKEN}`, guarded), { headers })
    expect(answer.status).toBe(401)
    expect(JSON.stringify(await problemOf(answer))).not.toContain(TOKEN)
  })

  it("a web page's form does not get in: it cannot send JSON", async () => {
    const body = JSON.stringify({ correlationId: 'x', reason: 'y' })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const answer = await post('/v1/rollbacks', body, { 'content-type': type })
      expect(answer.status, type).toBeGreaterThanOrEqual(400)
      expect(answer.status, type).toBeLessThan(500)
    }
  })

  it.each([
    ['of 65 KiB', JSON.stringify({ reason: 'x'.repeat(65 * 1024) }), 413],
    ['nested 30,000 deep', '['.repeat(30_000) + ']'.repeat(30_000), 400],
    ['that names a prototype', '{"__proto__":{"polluted":1},"correlationId":"x","reason":"y"}', 400],
    ['that names a constructor', '{"constructor":{"prototype":{"polluted":1}}}', 400],
    ['that is cut off', '{"correlationId":', 400],
    ['with half a surrogate pair', '{"correlationId":"x\\ud800","reason":"y"}', 400],
    ['with a control character in an ID', '{"correlationId":"x\\u0000","reason":"y"}', 400],
    ['with half a surrogate pair in a text', '{"correlationId":"x","reason":"y\\udfff"}', 400],
  ])('a body %s is refused, with what to do', async (_what, body, status) => {
    const answer = await post('/v1/rollbacks', body)
    expect(answer.status).toBe(status)
    expect(await problemOf(answer)).toMatchObject({ status, hint: expect.any(String) })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it.each([
    '/v1/rollbacks/..%2f..%2f..%2fetc%2fpasswd',
    '/v1/rollbacks/%2e%2e/%2e%2e/metrics',
    '/v1/correlations/%00/timeline',
    '/v1/rollbacks/%ff%fe',
    '/../../../etc/passwd',
    '/v1/rollbacks/__proto__',
    '/v1/rollbacks/constructor/plan',
  ])('the address %s leads nowhere', async path => {
    const text = await raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 40[04] /)
    expect(text).toMatch(/content-type: application\/problem\+json/i)
    expect(text).not.toMatch(/root:|process_cpu/)
  })

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a header of 100 KB', `GET / HTTP/1.1\r\nHost: localhost\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /v1/rollbacks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks, as for smuggling',
      'POST /v1/rollbacks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX',
      400,
    ],
  ])('%s is answered with a problem document, and the connection ends', async (_what, bytes, status) => {
    const text = await raw(bytes)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text).toMatch(/content-type: application\/problem\+json/i)
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ status })
  })

  it('an error says nothing of its inside', async () => {
    const answers = await Promise.all([
      post('/v1/rollbacks', '{"correlationId":{"toString":1},"reason":[]}'),
      post('/v1/rollbacks/x/commands', '{"command":"drop"}'),
      fetch(new URL('/v1/rollbacks?limit=1e9', open)),
      fetch(new URL('/v1/correlations/x/timeline/stream/x', open)),
    ])
    for (const answer of answers) {
      const text = await answer.text()
      expect(answer.status).toBeLessThan(500)
      expect(text).not.toMatch(/node_modules|\.ts:\d|\.js:\d|ioredis|kafkajs|at Object/)
    }
  })

  it('what a stranger wrote stays data in the stream of a timeline', async () => {
    const order = hostile.site.order()
    const nasty = 'x\n\nid: 99.99\ndata: {"forged":true}\n\n'
    await hostile.client.record({
      correlationId: order,
      action: 'payment.captured',
      data: { paymentId: nasty },
    })
    await hostile.site.recorded(order, 1)
    const stop = new AbortController()
    const answer = await fetch(new URL(`/v1/correlations/${order}/timeline/stream`, open), {
      signal: stop.signal,
    })
    let text = ''
    for await (const chunk of answer.body!) {
      text += Buffer.from(chunk).toString()
      if (text.includes('data: ')) break
    }
    stop.abort()
    expect(text).not.toContain('id: 99.99')
    expect(text.split('\n').filter(line => line.startsWith('data: '))).toHaveLength(1)
  })

  it('after all of it, valid work goes on', () => hostile.expectNormalRollback())
})
