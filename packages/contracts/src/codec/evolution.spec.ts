import { describe, expect, test } from 'vitest'
import type { UnwindEvent } from '../events.js'
import type { SchemaFile } from '../generated/schemas.js'
import { createEventDecoder } from './decoder.js'
import { createEventEncoder } from './encoder.js'
import { compileEventSchemas } from './event-schemas.js'
import type { Upcast, Upcasters } from './upcast/upcaster.js'

const AT = { topic: 't', partition: 0, offset: 0n }
const field = (name: string, fallback?: string) => ({
  name,
  type: 'string',
  ...(fallback === undefined ? {} : { default: fallback }),
})
const file = (version: number, fields: object[]): SchemaFile => ({
  topic: 'rollback',
  name: 'NoteAdded',
  version,
  schema: JSON.stringify({ type: 'record', name: 'NoteAdded', namespace: 'unwind', fields }),
})

// Four versions of one imagined event: v2 adds `author`, v3 adds `text`, v4 drops `legacy`.
const V1 = file(1, [field('eventId'), field('legacy', '')])
const V2 = file(2, [field('eventId'), field('legacy', ''), field('author', 'unknown')])
const V3 = file(3, [field('eventId'), field('legacy', ''), field('author', 'unknown'), field('text', '')])
const V4 = file(4, [field('eventId'), field('author', 'unknown'), field('text', '')])
const FILES = [V1, V2, V3, V4]

function write(version: number, data: object): Buffer {
  const encoder = createEventEncoder({
    schemaIds: new Map([['NoteAdded', version]]),
    schemas: compileEventSchemas(FILES.slice(0, version)),
  })
  return encoder.encode({ type: 'NoteAdded', data } as unknown as UnwindEvent).value
}

function read(value: Buffer, known: readonly SchemaFile[], upcasters: Upcasters = {}) {
  const decoder = createEventDecoder({ schemas: compileEventSchemas(known), upcasters })
  for (const { version, schema } of FILES) decoder.learn(version, schema)
  return decoder.decode(value, AT)
}

const noted = (data: object) => ({ type: 'NoteAdded', data })

describe('an event of an older version', () => {
  test('gets the defaults of the fields that it lacks and loses those that are gone', () => {
    expect(read(write(1, { eventId: 'e', legacy: 'ana: hello' }), FILES)).toEqual({
      kind: 'event',
      event: noted({ eventId: 'e', author: 'unknown', text: '' }),
      schemaId: 1,
      version: 1,
    })
  })

  test('is upcast step by step, each step seeing exactly its own version', () => {
    const seen: object[] = []
    const upcasters: Upcasters = {
      NoteAdded: new Map<number, Upcast>([
        [
          1,
          data => {
            seen.push(data)
            return { ...data, author: String(data.legacy).split(': ')[0] }
          },
        ],
        [
          3,
          data => {
            seen.push(data)
            return { eventId: data.eventId, author: data.author, text: String(data.legacy).split(': ')[1] }
          },
        ],
      ]),
    }
    expect(read(write(1, { eventId: 'e', legacy: 'ana: hello' }), FILES, upcasters)).toMatchObject({
      event: noted({ eventId: 'e', author: 'ana', text: 'hello' }),
      version: 1,
    })
    expect(seen).toEqual([
      { eventId: 'e', legacy: 'ana: hello' },
      { eventId: 'e', legacy: 'ana: hello', author: 'ana', text: '' },
    ])
  })

  test('skips the upcasts of the versions before it', () => {
    const upcasters: Upcasters = {
      NoteAdded: new Map<number, Upcast>([
        [
          1,
          () => {
            throw new Error('not from version 2')
          },
        ],
      ]),
    }
    expect(read(write(2, { eventId: 'e', legacy: '', author: 'bob' }), FILES, upcasters)).toMatchObject({
      event: noted({ eventId: 'e', author: 'bob', text: '' }),
    })
  })

  test('is poison when its upcast fails', () => {
    const upcasters: Upcasters = {
      NoteAdded: new Map<number, Upcast>([
        [
          3,
          () => {
            throw new Error('no author')
          },
        ],
      ]),
    }
    expect(read(write(3, { eventId: 'e', legacy: '', author: 'x', text: '' }), FILES, upcasters)).toEqual({
      kind: 'poison',
      code: 'poison',
      message: 't partition 0 offset 0 cannot be read: its bytes are not a NoteAdded of schema 3: no author',
    })
  })
})

test('an event of a version newer than this build is read as the newest version that it knows', () => {
  expect(read(write(4, { eventId: 'e', author: 'ana', text: 'hello' }), [V1, V2])).toEqual({
    kind: 'event',
    event: noted({ eventId: 'e', legacy: '', author: 'ana' }),
    schemaId: 4,
    version: null,
  })
})

test('schema files must be versions 1, 2, 3, … of events that exist', () => {
  expect(() => compileEventSchemas([V2])).toThrow('schema NoteAdded.v2: expected version 1')
  expect(() => compileEventSchemas([{ ...V1, name: 'Nothing' }])).toThrow('schema Nothing.v1: no such event')
})
