import dns from 'node:dns'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Adapter } from '../../packages/sidecar/src/adapter/port.js'
import { adapterFor, type ContractParts, open, workOn } from '../integration/http/harness.js'

/** What the name "rebound.test" leads to, one answer a question; the last one stays. */
const answers: string[] = []
const { lookup } = dns
beforeAll(() => {
  dns.lookup = ((name: string, options: object, done: (e: Error | null, found: object[]) => void) => {
    if (name !== 'rebound.test') return lookup(name, options as never, done as never)
    const address = answers.length > 1 ? answers.shift()! : answers[0]!
    return done(null, [{ address, family: address.includes(':') ? 6 : 4 }])
  }) as typeof lookup
  syncBuiltinESMExports()
})
afterAll(() => {
  dns.lookup = lookup
  syncBuiltinESMExports()
})

const CANARY = 'canary-2f9d1c'
const servers: Server[] = []
let adapter: Adapter | undefined
afterEach(async () => {
  await adapter?.stop()
  adapter = undefined
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

/** A target in an attacker's hands. */
async function target(serve: (request: IncomingMessage, response: ServerResponse) => void) {
  const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, body })
    serve(request, response)
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}
const json = (response: ServerResponse, body: string, headers: Record<string, string> = {}) =>
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body)
/** Captured until something is posted. */
const refundable = () => {
  let status = 'captured'
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'POST') status = 'refunded'
    json(response, JSON.stringify({ status }))
  }
}
const restored = (_: IncomingMessage, response: ServerResponse) => json(response, '{"status":"refunded"}')

/** Undo and read back, as one step does it; everything that was said of it. */
async function run(url: string, paymentId: unknown, parts: ContractParts = {}) {
  adapter = adapterFor(url, parts)
  const work = workOn(['p1'])
  const data = JSON.stringify({ paymentId, amount: 1, note: paymentId })
  const step = { ...work, actions: [{ ...work.actions[0]!, data }] }
  return [await adapter.undo(step, open), await adapter.probe(step, open)] as const
}

describe('a target that redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    '%i leads nowhere: not to metadata, not to a neighbour',
    async status => {
      const neighbour = await target(restored)
      for (const location of ['http://169.254.169.254/latest/meta-data/', `${neighbour.url}/payments/p1`]) {
        const evil = await target((_, response) => response.writeHead(status, { location }).end())
        const [undone, seen] = await run(evil.url, 'p1')
        expect(undone.kind).toBe('failed')
        expect(seen.kind).toBe('failed')
        await adapter!.stop()
      }
      expect(neighbour.seen).toEqual([])
    },
  )
})

describe('a name that is bound anew', () => {
  it.each(['169.254.169.254', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe', 'fd00:ec2::254', '0.0.0.0'])(
    'to %s after it was looked at is refused before a connection is opened',
    async address => {
      const honest = await target((_, response) =>
        json(response, '{"status":"captured"}', { connection: 'close' }),
      )
      const url = honest.url.replace('127.0.0.1', 'rebound.test')
      answers.splice(0, answers.length, '127.0.0.1')
      adapter = adapterFor(url)
      const step = workOn(['p1'])
      expect((await adapter.probe(step, open)).kind).toBe('seen')
      const before = honest.seen.length
      answers.splice(0, answers.length, address)
      const seen = await adapter.probe(step, open)
      expect(seen).toMatchObject({ kind: 'failed', code: 'contract' })
      expect(JSON.stringify(seen)).toContain('is never called')
      expect(honest.seen).toHaveLength(before)
    },
  )
})

describe('recorded data', () => {
  it.each([
    '../../admin',
    '..',
    '.',
    'a/../../admin',
    'p1/refunds/../../../admin',
    'p1?force=true',
    'p1#',
    '%2e%2e%2fadmin',
    '\\..\\admin',
    'p1\r\nx-injected: 1',
    'p1\u0000',
    '',
    '@169.254.169.254/',
    '//169.254.169.254/',
  ])('%j does not leave the path that the contract names', async paymentId => {
    const { url, seen } = await target(refundable())
    await run(url, paymentId)
    for (const request of seen) {
      expect(request.url).toMatch(/^\/payments\/[^/?#]+(\/refunds)?$/)
      expect(decodeURIComponent(request.url.split('/')[2]!)).toBe(paymentId)
      expect(request.headers['x-injected']).toBeUndefined()
      expect(request.headers.host).toMatch(/^127\.0\.0\.1:/)
    }
  })

  it.each(['a\r\nx-injected: 1', 'a\nb', 'a\u0000b', 'ä'.repeat(3)])('%j adds no header', async note => {
    const { url, seen } = await target(refundable())
    await run(url, note, {
      undo: { path: '/payments/1/refunds', headers: { 'x-note': '{note}' } },
      probe: { path: '/payments/1' },
    })
    for (const { headers } of seen) expect(headers['x-injected']).toBeUndefined()
    const posts = seen.filter(request => request.method === 'POST')
    expect(posts.length, 'a line break is refused, not sent').toBe(/[\r\n\0]/.test(note) ? 0 : posts.length)
  })

  it('does not break out of the body', async () => {
    const { url, seen } = await target(refundable())
    const nasty = '","admin":true,"x":"'
    await run(url, nasty, {
      undo: { path: '/payments/1/refunds', body: { note: 'was {note}' } },
      probe: { path: '/payments/1' },
    })
    const post = seen.find(request => request.method === 'POST')!
    expect(JSON.parse(post.body)).toEqual({ note: `was ${nasty}` })
  })

  it.each(['__proto__', 'constructor', 'toString'])('has no field {%s} that nobody recorded', async name => {
    const { url, seen } = await target(refundable())
    const [undone] = await run(url, 'p1', { undo: { path: `/payments/{${name}}/refunds` } })
    expect(undone.kind).toBe('failed')
    expect(seen.filter(request => request.method === 'POST')).toEqual([])
  })
})

describe('an answer that is an attack', () => {
  it.each([
    ['nested 30,000 deep', (r: ServerResponse) => json(r, '['.repeat(30_000) + ']'.repeat(30_000))],
    [
      'nested deep where the contract looks',
      (r: ServerResponse) => json(r, `{"status":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    ],
    ['with a prototype', (r: ServerResponse) => json(r, '{"__proto__":{"status":"refunded"}}')],
    [
      'of 64 MB',
      (r: ServerResponse) => {
        r.writeHead(200)
        const more = () => {
          while (!r.destroyed && r.write('x'.repeat(65_536)));
          if (!r.destroyed) r.once('drain', more)
        }
        more()
      },
    ],
    [
      'that never ends',
      (r: ServerResponse) => {
        r.writeHead(200)
        const drip = setInterval(() => r.write(' '), 50)
        r.once('close', () => clearInterval(drip))
      },
    ],
    [
      'with 200 KB of headers',
      (r: ServerResponse) => {
        r.socket?.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(200_000)}\r\n\r\n{}`)
      },
    ],
    ['that is no HTTP', (r: ServerResponse) => void r.socket?.end('\u0000\u0001\u0002 nonsense')],
  ])('%s proves nothing, and ends in bounded time', async (_what, serve) => {
    const { url } = await target((_, response) => void serve(response))
    const began = performance.now()
    const [undone, seen] = await run(url, 'p1')
    expect(performance.now() - began).toBeLessThan(10_000)
    if (undone.kind === 'applied') expect(seen.kind === 'seen' && seen.restored === seen.expected).toBe(false)
    expect(seen.kind === 'seen' ? seen.restored : 0).toBe(0)
    expect(JSON.stringify([undone, seen]).length).toBeLessThan(20_000)
    expect(({} as Record<string, unknown>).status).toBeUndefined()
  })

  it('that sends the credentials back does not get them into what is said', async () => {
    const { url } = await target((request, response) => {
      const echoed = JSON.stringify(request.headers)
      response.writeHead(422, `no ${request.headers.authorization}`, { 'x-echo': echoed }).end(echoed)
    })
    const said = await run(url, 'p1', { adapter: { headers: { Authorization: `Bearer ${CANARY}` } } })
    expect(said[0].kind).toBe('failed')
    expect(JSON.stringify(said)).not.toContain(CANARY)
  })
})
