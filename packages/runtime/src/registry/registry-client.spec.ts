import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { topicNames } from '@unwind/contracts'
import { afterEach, describe, expect, test } from 'vitest'
import { checkSchemas } from './check-schemas.js'
import { openRegistry } from './event-registry.js'
import { RegistryClient } from './registry-client.js'

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise(resolve => (server ? server.close(resolve) : resolve(null)))
  server = undefined
})

/** A registry that answers as told; null: not at all. */
async function registryThat(
  answer: (path: string) => { status: number; body: unknown } | null,
): Promise<string> {
  server = createServer((request, response) => {
    const answered = answer(request.url ?? '')
    if (answered)
      response
        .writeHead(answered.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answered.body))
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const TYPES = { status: 200, body: ['JSON', 'AVRO'] }
const healthyBut = (other: { status: number; body: unknown }) => (path: string) =>
  path === '/schemas/types' ? TYPES : other
const NOT_FOUND = { status: 404, body: { error_code: 40403, message: 'Schema not found' } }
const unavailable = { name: 'RegistryUnavailable' }

describe('a schema is missing only when', () => {
  test('a healthy registry says so', async () => {
    const client = new RegistryClient({ url: await registryThat(healthyBut(NOT_FOUND)) })
    expect(await client.schemaById(7)).toEqual({ kind: 'missing', message: 'Schema not found' })
  })

  test('the registry answers at all', async () => {
    const url = await registryThat(() => TYPES)
    await new Promise(resolve => server!.close(resolve))
    await expect(new RegistryClient({ url }).schemaById(7)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(/^schema registry http:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/),
    })
  })

  test('it is a registry that answers, not something else at that address', async () => {
    const client = new RegistryClient({ url: await registryThat(() => NOT_FOUND) })
    await expect(client.schemaById(7)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(
        /it answers 404 where a registry lists its schema types: check the URL and the credentials$/,
      ),
    })
  })

  test.each([400, 401, 403, 429, 500, 503])('its answer is 404, not %i', async status => {
    const client = new RegistryClient({
      url: await registryThat(healthyBut({ status, body: { message: 'no' } })),
    })
    await expect(client.schemaById(7)).rejects.toMatchObject(unavailable)
  })

  test('it answers in time', async () => {
    const client = new RegistryClient({ url: await registryThat(() => null), timeoutMs: 50 })
    await expect(client.schemaById(7)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(/no answer within 50 ms$/),
    })
  })
})

test('a registry that lost its content is unavailable, not a reason to call records poison', async () => {
  const known = new Map<string, number>()
  let wiped = false
  const url = await registryThat(path => {
    if (path === '/schemas/types') return TYPES
    const subject = /^\/subjects\/([^/]+)$/.exec(path)?.[1]
    if (subject) {
      if (!known.has(subject)) known.set(subject, known.size + 1)
      return { status: 200, body: { id: known.get(subject) } }
    }
    const id = Number(/^\/schemas\/ids\/(\d+)$/.exec(path)?.[1])
    return !wiped && [...known.values()].includes(id)
      ? { status: 200, body: { schema: '"string"' } }
      : NOT_FOUND
  })
  const registry = await openRegistry({ url, topics: topicNames() })
  expect(await registry.writerSchema(999)).toMatchObject({ kind: 'missing' })
  wiped = true
  // Believed for a while: the answer was given when the registry was whole.
  expect(await registry.writerSchema(999)).toMatchObject({ kind: 'missing' })
  await expect(registry.writerSchema(998)).rejects.toMatchObject({
    ...unavailable,
    message: expect.stringMatching(
      /^the schema registry no longer knows schema \d+, which it had when this process started\. Restore its content$/,
    ),
  })
})

test('look-ups of one schema at the same time become one', async () => {
  let asked = 0
  const client = await registryThat(path => {
    if (path === '/schemas/types') return TYPES
    if (path.startsWith('/subjects/')) return { status: 200, body: { id: 1 } }
    if (path === '/schemas/ids/77') asked++
    return { status: 200, body: { schema: '"string"' } }
  })
  const registry = await openRegistry({ url: client, topics: topicNames() })
  const answers = await Promise.all([1, 2, 3].map(() => registry.writerSchema(77)))
  expect(answers).toEqual(Array(3).fill({ kind: 'schema', schema: '"string"' }))
  expect(asked).toBe(1)
})

test('starting without the schemas names them and what to do', async () => {
  const url = await registryThat(healthyBut({ status: 404, body: { message: 'Subject not found' } }))
  await expect(openRegistry({ url, topics: topicNames('x') })).rejects.toMatchObject({
    name: 'SchemasMissing',
    message: expect.stringMatching(
      /^the registry lacks x\.actions-unwind\.ActionFailed \(version 1\), .* Run "unwind schemas apply", then start again$/,
    ),
  })
})

test('user and password of the URL are sent as such, and shown in no message', async () => {
  const seen = new Set<string | undefined>()
  const plain = await registryThat(path =>
    path === '/schemas/types' ? { status: 500, body: {} } : NOT_FOUND,
  )
  server!.on('request', request => seen.add(request.headers.authorization))
  const check = checkSchemas({ url: plain.replace('http://', 'http://user:secret@') }, topicNames())
  await expect(check).rejects.toMatchObject({
    ...unavailable,
    message: `schema registry ${plain}: it answers 500 where a registry lists its schema types: check the URL and the credentials`,
  })
  expect([...seen]).toEqual([`Basic ${Buffer.from('user:secret').toString('base64')}`])
})

test('what is no HTTP URL is refused at once', () => {
  expect(() => new RegistryClient({ url: 'localhost:8081' })).toThrow(
    'the URL of the schema registry is not of the form http(s)://host:port/path',
  )
})
