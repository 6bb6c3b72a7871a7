/** Schemas and events against a real registry. Every test has topics, and with them subjects, of its own. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  createEventEncoder,
  type EventType,
  SCHEMA_FILES,
  type SchemaFile,
  type TopicNames,
  topicNames,
  type UnwindEvent,
} from '@unwind/contracts'
import {
  applySchemas,
  checkSchemas,
  createEventOpener,
  type IncomingRecord,
  openRegistry,
  RegistryClient,
} from '@unwind/runtime'
import { beforeEach, describe, expect, inject, test } from 'vitest'

const url = inject('stack').registryUrl
let topics: TopicNames
let run = 0
beforeEach(() => {
  topics = topicNames(`registry-${process.pid}-${run++}`)
})

const record = (fields: object[], version = 1): SchemaFile => ({
  topic: 'rollback',
  name: 'NoteAdded',
  version,
  schema: JSON.stringify({ type: 'record', name: 'NoteAdded', namespace: 'unwind', fields }),
})
const id = { name: 'eventId', type: 'string' }
const optional = { name: 'mood', type: ['null', 'string'], default: null }
const required = { name: 'mood', type: 'string' }

describe('applying the schemas', () => {
  test('registers every version under its topic and record, fully compatible, once', async () => {
    const first = await applySchemas({ url }, topics)
    expect(first.map(({ file, subject, added }) => ({ file, subject, added }))).toEqual(
      SCHEMA_FILES.map(file => ({
        file: `schemas/${file.topic}/${file.name}.v${file.version}.avsc`,
        subject: `${topics[file.topic as 'actions']}-unwind.${file.name}`,
        added: true,
      })),
    )
    const again = await applySchemas({ url }, topics)
    expect(again).toEqual(first.map(schema => ({ ...schema, added: false })))
    const config = await fetch(`${url}/config/${topics.rollback}-unwind.RollbackRequested`)
    expect(await config.json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
  })

  test('adds a compatible version beside the ones that are there', async () => {
    const [v1, v2] = [record([id]), record([id, optional], 2)]
    const [first] = await applySchemas({ url }, topics, [v1])
    const both = await applySchemas({ url }, topics, [v1, v2])
    expect(both.map(({ id, added }) => ({ sameAsBefore: id === first!.id, added }))).toEqual([
      { sameAsBefore: true, added: false },
      { sameAsBefore: false, added: true },
    ])
  })

  test('refuses an incompatible version with file, field and why, and registers none', async () => {
    const files = [
      record([id]),
      { ...record([id]), name: 'GateOpened', schema: record([id]).schema.replace('NoteAdded', 'GateOpened') },
    ]
    await applySchemas({ url }, topics, files)
    const third = {
      ...files[1]!,
      name: 'StepParked',
      schema: record([id]).schema.replace('NoteAdded', 'StepParked'),
    }
    await expect(
      applySchemas({ url }, topics, [...files, record([id, required], 2), third]),
    ).rejects.toMatchObject({
      name: 'SchemaRefused',
      problems: [
        'schemas/rollback/NoteAdded.v2.avsc: field "mood" was added without a default, so older events lack it (against schemas/rollback/NoteAdded.v1.avsc)',
      ],
    })
    expect(await new RegistryClient({ url }).versions(`${topics.rollback}-unwind.StepParked`)).toEqual([])
  })

  test('refuses a version that is incompatible with an older one only', async () => {
    const files = [record([id, required]), record([id, { ...required, default: '' }], 2)]
    await applySchemas({ url }, topics, files)
    await expect(applySchemas({ url }, topics, [...files, record([id], 3)])).rejects.toMatchObject({
      problems: [
        expect.stringMatching(
          /^schemas\/rollback\/NoteAdded\.v3\.avsc: field "mood" was removed, and older readers need it: it has no default \(against .*NoteAdded\.v1\.avsc\)$/,
        ),
      ],
    })
  })

  test('is held to full compatibility by the registry itself, whoever registers', async () => {
    await applySchemas({ url }, topics, [record([id])])
    const register = new RegistryClient({ url }).register(
      `${topics.rollback}-unwind.NoteAdded`,
      record([id, required]).schema,
    )
    await expect(register).rejects.toMatchObject({
      name: 'SchemaRefused',
      message: expect.stringMatching(/NoteAdded: .*ncompatible/),
    })
  })
})

describe('checking the schemas', () => {
  test('says what is registered and what is new, and registers nothing', async () => {
    await applySchemas({ url }, topics, [record([id])])
    const check = await checkSchemas({ url }, topics, [record([id]), record([id, optional], 2)])
    expect(check.schemas.map(({ state, problems }) => ({ state, problems }))).toEqual([
      { state: 'registered', problems: [] },
      { state: 'new', problems: [] },
    ])
    expect(check.ok).toBe(true)
    expect(await new RegistryClient({ url }).versions(`${topics.rollback}-unwind.NoteAdded`)).toHaveLength(1)
    expect(await new RegistryClient({ url }).versions(`${topics.rollback}-unwind.GateOpened`)).toEqual([])
  })

  test('finds a file that was changed after it had been registered', async () => {
    await applySchemas({ url }, topics, [record([id])])
    expect((await checkSchemas({ url }, topics, [record([id, optional])])).problems).toEqual([
      'schemas/rollback/NoteAdded.v1.avsc: was changed after it had been registered. Restore it and put the change into NoteAdded.v2.avsc',
    ])
  })
})

/** A way to the registry that can be shut: connections are then dropped. */
async function openDoor(target: string) {
  const { hostname, port, pathname } = new URL(target)
  let isOpen = true
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
    if (!isOpen) near.destroy()
    near.pipe(far).pipe(near)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    open: () => {
      isOpen = true
    },
    shut: () => {
      isOpen = false
      drop()
    },
    close: () => {
      drop()
      return new Promise(resolve => server.close(resolve))
    },
  }
}

const note = {
  type: 'NoteAdded',
  data: {
    eventId: 'rb-1/note/1',
    correlationId: 'order-1',
    rollbackId: 'rb-1',
    occurredAt: 1_700_000_000_000,
    emitter: 'user:ana',
    causationId: null,
    author: 'ana',
    text: 'seen',
  },
} as UnwindEvent
const incoming = (value: Buffer): IncomingRecord => ({
  topic: topics.rollback,
  partition: 0,
  offset: 5n,
  timestamp: 0,
  key: 'order-1',
  value,
  headers: {
    ce_id: 'rb-1/note/1',
    ce_type: 'unwind.NoteAdded.v1',
    ce_correlationid: 'order-1',
    ce_subject: 'rb-1',
    'unwind-rollback': 'rb-1',
  },
})

describe('an event', () => {
  test('is encoded with the ID that the registry gave, and opened without asking it', async () => {
    const applied = await applySchemas({ url }, topics)
    const registry = await openRegistry({ url, topics })
    expect(registry.schemaIds).toEqual(new Map(SCHEMA_FILES.map((file, i) => [file.name, applied[i]!.id])))
    const { value } = createEventEncoder(registry).encode(note)
    expect(value.readUInt32BE(1)).toBe(registry.schemaIds.get('NoteAdded'))
    expect(createEventOpener({ registry }).open(incoming(value))).toMatchObject({
      kind: 'event',
      event: note,
    })
  })

  test("of a schema version that is not this build's is looked up and resolved", async () => {
    await applySchemas({ url }, topics)
    const registry = await openRegistry({ url, topics })
    const current = JSON.parse(SCHEMA_FILES.find(file => file.name === 'NoteAdded')!.schema)
    const newer = JSON.stringify({
      ...current,
      fields: [...current.fields, { name: 'mood', type: 'string', default: 'calm' }],
    })
    const newerId = await new RegistryClient({ url }).register(`${topics.rollback}-unwind.NoteAdded`, newer)
    expect(await registry.writerSchema(newerId)).toMatchObject({ kind: 'schema' })
    const { value } = createEventEncoder({
      schemaIds: new Map<EventType, number>([['NoteAdded', newerId]]),
    }).encode(note)
    const written = Buffer.concat([value, Buffer.from([8]), Buffer.from('calm')])
    expect(await createEventOpener({ registry }).open(incoming(written))).toMatchObject({
      kind: 'event',
      event: note,
      version: null,
    })
  })

  test('of a schema ID that the registry does not have is poison', async () => {
    await applySchemas({ url }, topics)
    const registry = await openRegistry({ url, topics })
    expect(
      await createEventOpener({ registry }).open(incoming(Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 0]))),
    ).toMatchObject({
      kind: 'poison',
      message: expect.stringMatching(
        /partition 0 offset 5 cannot be read: the registry has no schema 2147483647: /,
      ),
    })
  })

  test('is not poison while the registry is down, and opens when it is back', async () => {
    await applySchemas({ url }, topics)
    const door = await openDoor(url)
    try {
      const registry = await openRegistry({ url: door.url, topics, timeoutMs: 2_000 })
      const { value } = createEventEncoder(registry).encode(note)
      const opener = createEventOpener({ registry: { ...registry, known: new Map() } })
      door.shut()
      await expect(opener.open(incoming(value))).rejects.toMatchObject({ name: 'RegistryUnavailable' })
      door.open()
      expect(await opener.open(incoming(value))).toMatchObject({ kind: 'event', event: note })
    } finally {
      await door.close()
    }
  })
})

test('sending without the schemas fails at the start and says what to do', async () => {
  await expect(openRegistry({ url, topics })).rejects.toMatchObject({
    name: 'SchemasMissing',
    message: expect.stringMatching(/Run "unwind schemas apply", then start again$/),
  })
})
