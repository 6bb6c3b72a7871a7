import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventMap, EventType, UnwindEvent } from '../events.js'
import { SCHEMA_FILES } from '../generated/schemas.js'
import { createEventDecoder } from './decoder.js'
import { createEventEncoder, EncodeFailed, EventTooLarge } from './encoder.js'
import { compileEventSchemas } from './event-schemas.js'

const schemas = compileEventSchemas()
const TYPES = SCHEMA_FILES.filter(file => file.version === 1).map(file => file.name as EventType)
const schemaIds = new Map(TYPES.map((type, i) => [type, 100 + i]))
const AT = { topic: 'unwind.rollback', partition: 3, offset: 17n }

const encoder = createEventEncoder({ schemaIds, schemas })
function decoderOfAll(maxValueBytes?: number) {
  const decoder = createEventDecoder({ schemas, ...(maxValueBytes === undefined ? {} : { maxValueBytes }) })
  for (const [type, id] of schemaIds) decoder.learn(id, schemas.current(type).text)
  return decoder
}
const decoder = decoderOfAll()

/** Any value of an Avro type, as the codec gives it back. */
function arbitraryOf(type: avro.Type): fc.Arbitrary<unknown> {
  if (type instanceof avro.types.RecordType)
    return fc.record(Object.fromEntries(type.fields.map(field => [field.name, arbitraryOf(field.type)])))
  if (type instanceof avro.types.ArrayType) return fc.array(arbitraryOf(type.itemsType), { maxLength: 5 })
  if (type instanceof avro.types.UnwrappedUnionType) return fc.oneof(...type.types.map(arbitraryOf))
  switch (type.typeName) {
    case 'null':
      return fc.constant(null)
    case 'int':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case 'long':
      return fc.integer({ min: -(2 ** 52), max: 2 ** 52 })
    case 'boolean':
      return fc.boolean()
    case 'string':
      return fc
        .string({ unit: 'binary', maxLength: 80 })
        .filter(text => Buffer.from(text).toString() === text)
    default:
      throw new Error(`no event has a ${type.typeName} yet`)
  }
}
const anyEvent = fc
  .constantFrom(...TYPES)
  .chain(type => arbitraryOf(schemas.current(type).avro).map(data => ({ type, data }) as UnwindEvent))

const started: UnwindEvent = {
  type: 'CompensationStarted',
  data: {
    eventId: 'rb-1/orders/started/0.1',
    correlationId: 'order-1017',
    rollbackId: 'rb-1',
    occurredAt: 1_700_000_000_000,
    emitter: 'sidecar:orders',
    causationId: null,
    stepId: 'orders',
    system: 'orders',
    round: 0,
    attempt: 1,
    instance: 'orders-0',
    contractVersion: '1.0.0',
  },
}
const parked: UnwindEvent = {
  type: 'StepParked',
  data: {
    ...started.data,
    code: 'conflict',
    message: 'newer data',
    hint: 'resolve it',
    differences: [{ item: 'orders/1', field: 'status', before: null, after: '"placed"', current: '"paid"' }],
  } as EventMap['StepParked'],
}

describe('an event', () => {
  test('comes back equal, as a plain object of the current version', () => {
    const { value, schemaId, version } = encoder.encode(started)
    const decoded = decoder.decode(value, AT)
    expect(decoded).toStrictEqual({ kind: 'event', event: started, schemaId, version: 1 })
    expect(version).toBe(1)
    expect(Object.getPrototypeOf((decoded as { event: UnwindEvent }).event.data)).toBe(Object.prototype)
  })

  test('of any type and content comes back equal', () => {
    fc.assert(
      fc.property(anyEvent, event => {
        const { value, schemaId } = encoder.encode(event)
        const { version } = schemas.current(event.type)
        expect(decoder.decode(value, AT)).toEqual({ kind: 'event', event, schemaId, version })
      }),
    )
  })

  test('starts with magic byte and big-endian schema ID', () => {
    const big = createEventEncoder({ schemaIds: new Map([['CompensationStarted', 0xfedcba98]]), schemas })
    expect([...big.encode(started).value.subarray(0, 5)]).toEqual([0, 0xfe, 0xdc, 0xba, 0x98])
  })

  test('is encoded into a buffer of its own, also when it is larger than the scratch space', () => {
    const large = { ...started, data: { ...started.data, instance: 'x'.repeat(100_000) } } as UnwindEvent
    const first = encoder.encode(large).value
    const before = Buffer.from(first)
    encoder.encode(started)
    expect(first.equals(before)).toBe(true)
    expect(decoder.decode(first, AT)).toMatchObject({ kind: 'event', event: large })
  })
})

describe('encoding refuses', () => {
  test('data that does not fit the schema, naming event and fields', () => {
    const wrong = { type: 'CompensationStarted', data: { ...started.data, round: 1.5, stepId: undefined } }
    expect(() => encoder.encode(wrong as unknown as UnwindEvent)).toThrow(
      new EncodeFailed(
        'CompensationStarted rb-1/orders/started/0.1: stepId is undefined, expected "string"; round is 1.5, expected "int"',
      ),
    )
  })

  test('half a surrogate pair, which would come back as another text', () => {
    const wrong = {
      ...parked,
      data: {
        ...parked.data,
        differences: [{ ...(parked.data as EventMap['StepParked']).differences[0], item: 'a\ud800' }],
      },
    }
    expect(() => encoder.encode(wrong as UnwindEvent)).toThrow(
      /differences\.0\.item holds half a surrogate pair/,
    )
  })

  test('a number that avsc would write as another one', () => {
    for (const occurredAt of [2 ** 52 + 1, -(2 ** 52) - 1])
      expect(() =>
        encoder.encode({ ...started, data: { ...started.data, occurredAt } } as UnwindEvent),
      ).toThrow(
        'CompensationStarted rb-1/orders/started/0.1: occurredAt is beyond 2^52, where numbers are no longer exact',
      )
  })

  test('a value above the size limit, with both figures', () => {
    const small = createEventEncoder({ schemaIds, schemas, maxValueBytes: 80 })
    expect(() => small.encode(started)).toThrow(EventTooLarge)
    expect(() => small.encode(started)).toThrow(
      /^CompensationStarted rb-1\/orders\/started\/0\.1 takes 98 bytes, the limit is 80/,
    )
    const huge = { ...started, data: { ...started.data, instance: 'x'.repeat(900_000) } } as UnwindEvent
    expect(() => encoder.encode(huge)).toThrow(/takes 900\d{3} bytes, the limit is 900000/)
  })

  test('an event whose schema has no ID', () => {
    expect(() => createEventEncoder({ schemaIds: new Map(), schemas }).encode(started)).toThrow(
      'its schema has no ID; register it with "unwind schemas apply" and start again',
    )
  })
})

describe('decoding gives poison that names topic, partition and offset for', () => {
  const where = 'unwind.rollback partition 3 offset 17 cannot be read: '
  const good = encoder.encode(started).value
  const id = schemaIds.get('CompensationStarted')
  const message = (value: Uint8Array | null) => {
    const decoded = decoder.decode(value, AT)
    return decoded.kind === 'poison' ? decoded.message : decoded.kind
  }

  test('a record without a value', () => {
    expect(decoder.decode(null, AT)).toEqual({
      kind: 'poison',
      code: 'poison',
      message: `${where}it has no value`,
    })
  })

  test('a value that is too short or begins wrongly', () => {
    expect(message(Buffer.from([0, 0, 0, 1]))).toBe(
      `${where}4 bytes are too short for magic byte and schema ID`,
    )
    expect(message(Buffer.from('{"json": true}'))).toBe(
      `${where}first byte is 123, expected the magic byte 0`,
    )
  })

  test('a value that is cut off, or goes on', () => {
    expect(message(good.subarray(0, -1))).toBe(
      `${where}its bytes are not a CompensationStarted of schema ${id}: truncated buffer`,
    )
    expect(message(Buffer.concat([good, Buffer.from([0])]))).toBe(
      `${where}its bytes are not a CompensationStarted of schema ${id}: trailing data`,
    )
  })

  test('a number that others wrote and we cannot hold exactly', () => {
    const written = avro.Type.forSchema('long').toBuffer(started.data.occurredAt)
    const at = good.indexOf(written)
    // 2^52 + 2, zigzag: 2^53 + 4
    const long = Buffer.from([0x84, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10])
    expect(at).toBeGreaterThan(0)
    expect(message(Buffer.concat([good.subarray(0, at), long, good.subarray(at + written.length)]))).toMatch(
      /occurredAt is beyond 2\^52/,
    )
  })

  test('a value above the size limit', () => {
    const decoded = decoderOfAll(50).decode(good, AT)
    expect(decoded).toMatchObject({
      message: `${where}its value of ${good.length} bytes is above the limit of 50`,
    })
  })

  test('an array that claims more items than there are bytes, without allocating them', () => {
    const { value } = encoder.encode({ ...parked, data: { ...parked.data, differences: [] } } as UnwindEvent)
    // The last byte ends the empty array; in its place: "a block of 2^40 items".
    const bomb = Buffer.concat([value.subarray(0, -1), Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x40])])
    expect(message(bomb)).toBe(
      `${where}its bytes are not a StepParked of schema ${schemaIds.get('StepParked')}: an array claims 1099511627776 items, 0 bytes are left`,
    )
  })

  test('a schema that is not one of ours, not Avro, or not compatible', () => {
    const learnt = (schema: string) => {
      const fresh = createEventDecoder({ schemas })
      fresh.learn(7, schema)
      return fresh.decode(Buffer.from([0, 0, 0, 0, 7, 0]), AT)
    }
    const record = (name: string) => JSON.stringify({ type: 'record', name, namespace: 'unwind', fields: [] })
    expect(learnt(record('FutureEvent'))).toMatchObject({
      kind: 'poison',
      message: `${where}schema 7 cannot be used: its schema "unwind.FutureEvent" is no event that this version knows`,
    })
    expect(learnt('not json')).toMatchObject({ kind: 'poison' })
    expect(learnt('{"type": "string"}')).toMatchObject({ kind: 'poison' })
    expect(learnt(record('CompensationStarted'))).toMatchObject({
      kind: 'poison',
      message: expect.stringMatching(/schema 7 cannot be used: .*no matching field for default-less/),
    })
  })

  test('random bytes behind a known schema ID, and never throws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...schemaIds.values()),
        fc.uint8Array({ maxLength: 400 }),
        (schemaId, body) => {
          const value = Buffer.concat([Buffer.from([0, 0, 0, 0, schemaId]), body])
          expect(['poison', 'event']).toContain(decoder.decode(value, AT).kind)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('one flipped bit at most: it never throws and never hangs', () => {
    fc.assert(
      fc.property(anyEvent, fc.nat(), (event, flip) => {
        const { value } = encoder.encode(event)
        const bit = 40 + (flip % ((value.length - 5) * 8))
        value[bit >>> 3]! ^= 1 << (bit & 7)
        expect(['poison', 'event']).toContain(decoder.decode(value, AT).kind)
      }),
      { numRuns: 1_000 },
    )
  })
})

test('a schema ID that was not learnt yet is asked for', () => {
  expect(createEventDecoder({ schemas }).decode(encoder.encode(started).value, AT)).toEqual({
    kind: 'schema-needed',
    schemaId: schemaIds.get('CompensationStarted'),
  })
})
