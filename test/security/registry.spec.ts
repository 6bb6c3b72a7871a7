import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HEADER, SCHEMA_FILES, topicNames } from '@unwind/contracts'
import {
  createEventOpener,
  createSealer,
  generateKey,
  type IncomingRecord,
  openRegistry,
  RegistryClient,
  signingKey,
  TrustStore,
} from '@unwind/runtime'
import { afterEach, describe, expect, it } from 'vitest'

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise(resolve => (server ? server.close(resolve) : resolve(null)))
  server = undefined
})

/** A registry in somebody else's hands: honest but for what it answers to these schema IDs. */
async function evilRegistry(answers: ReadonlyMap<number, string>) {
  const asked: number[] = []
  const ids = new Map<string, number>()
  server = createServer((request, response) => {
    const path = request.url ?? ''
    const say = (status: number, body: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(typeof body === 'string' ? body : JSON.stringify(body))
    if (path === '/schemas/types') return say(200, ['AVRO'])
    const subject = /^\/subjects\/([^/]+)$/.exec(path)?.[1]
    if (subject) {
      if (!ids.has(subject)) ids.set(subject, ids.size + 1)
      return say(200, { id: ids.get(subject) })
    }
    const id = Number(/^\/schemas\/ids\/(\d+)$/.exec(path)?.[1])
    if ([...ids.values()].includes(id)) return say(200, { schema: '"string"' })
    asked.push(id)
    const answer = answers.get(id)
    return answer === undefined ? say(404, { message: 'Schema not found' }) : say(200, answer)
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const ana = generateKey('service:shop', ['client'])
const trust = new TrustStore([ana.publicKey])
const seal = createSealer(signingKey(ana.privateKey))

function record(schemaId: number, signed: boolean): IncomingRecord {
  const value = Buffer.alloc(60)
  value.writeUInt32BE(schemaId, 1)
  const plain = {
    topic: 'unwind.rollback',
    key: 'order-1',
    value,
    headers: { [HEADER.id]: 'e', [HEADER.type]: 'unwind.NoteAdded.v1' } as Record<string, string>,
  }
  const { headers } = signed ? seal([plain])[0]! : plain
  return { ...plain, headers, partition: 0, offset: 1n, timestamp: 1 }
}

const note = SCHEMA_FILES.find(file => file.name === 'NoteAdded')!.schema
const schemaOf = (text: string) => JSON.stringify({ schema: text })
function doubling(depth: number): unknown {
  if (depth === 0) return 'null'
  return {
    type: 'record',
    name: `unwind.Half${depth}`,
    fields: [
      { name: 'a', type: doubling(depth - 1) },
      { name: 'b', type: depth === 1 ? 'null' : `unwind.Half${depth - 1}` },
    ],
  }
}
const withField = (type: unknown) => {
  const schema = JSON.parse(note) as { fields: object[] }
  return JSON.stringify({ ...schema, fields: [{ name: 'extra', type }, ...schema.fields] })
}

describe('a registry that does not wish us well', () => {
  it.each([
    [
      'records that double forty times',
      schemaOf(withField(doubling(40))),
      'unfolds to more than 5000 fields',
    ],
    ['a schema of a megabyte', schemaOf(`"${'x'.repeat(1 << 20)}"`), 'characters are more than'],
    ['no schema of ours', schemaOf('"string"'), 'is no event that this version knows'],
    ['text that is no schema', schemaOf('{"type":'), 'schema 500 cannot be used'],
    ['brackets without end', schemaOf('['.repeat(200_000)), 'schema 500 cannot be used'],
    [
      'code in a name',
      schemaOf(note.replace('"NoteAdded"', '"NoteAdded;process.exit(7)//"')),
      'cannot be used',
    ],
  ])('answers with %s: its records are poison, at once', async (_what, answer, why) => {
    const { url } = await evilRegistry(new Map([[500, answer]]))
    const opener = createEventOpener({ registry: await openRegistry({ url, topics: topicNames() }), trust })
    const began = performance.now()
    const opened = await opener.open(record(500, true))
    expect(performance.now() - began).toBeLessThan(1_000)
    expect(opened.kind).toBe('poison')
    expect(opened.kind === 'poison' && opened.message).toContain(why)
  })

  it('answers without end: it is unavailable, and our memory is not filled', async () => {
    const { url } = await evilRegistry(new Map([[500, schemaOf('x'.repeat(6 << 20))]]))
    const client = new RegistryClient({ url })
    await expect(client.schemaById(500)).rejects.toMatchObject({
      name: 'RegistryUnavailable',
      message: expect.stringMatching(/its answer is longer than 4194304 bytes$/),
    })
  })
})

describe('a flood of schema IDs that nobody has heard of', () => {
  it('asks the registry nothing when nobody trusted wrote it', async () => {
    const { url, asked } = await evilRegistry(new Map())
    const opener = createEventOpener({ registry: await openRegistry({ url, topics: topicNames() }), trust })
    for (let id = 1_000; id < 6_000; id++) {
      const opened = opener.open(record(id, false))
      expect(opened instanceof Promise, 'nothing to wait for').toBe(false)
      expect(opened).toMatchObject({ kind: 'poison' })
    }
    expect(asked).toEqual([])
  })

  it('asks once for each when somebody trusted wrote it, and remembers', async () => {
    const { url, asked } = await evilRegistry(new Map())
    const opener = createEventOpener({ registry: await openRegistry({ url, topics: topicNames() }), trust })
    for (let n = 0; n < 100; n++)
      expect(await opener.open(record(700 + (n % 5), true))).toMatchObject({ kind: 'poison' })
    expect(asked).toEqual([700, 701, 702, 703, 704])
  })
})
