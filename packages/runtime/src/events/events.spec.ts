import { type EventType, HEADER, SCHEMA_FILES, topicNames, type UnwindEvent } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import {
  type EventLog,
  type IncomingRecord,
  type OutgoingRecord,
  type ProducerOptions,
  RecordTooLarge,
} from '../kafka/port.js'
import { RegistryUnavailable } from '../registry/errors.js'
import type { EventRegistry } from '../registry/event-registry.js'
import type { SchemaById } from '../registry/registry-client.js'
import { generateKey, signingKey } from '../signing/keys.js'
import { TrustStore } from '../signing/trust-store.js'
import { createEventOpener, type EventOpener, type Opened } from './opener.js'
import { createQuarantine } from './quarantine.js'
import { createEventSender } from './sender.js'

const topics = topicNames('t')
const WRITTEN = 1_700_000_000_500

/** A log that keeps what was published, sealed in batches of what was published in one turn, as the driver does. */
function memoryLog(maxValue = Number.POSITIVE_INFINITY) {
  const written: IncomingRecord[] = []
  const producers: (ProducerOptions | undefined)[] = []
  const append = (record: OutgoingRecord): IncomingRecord => {
    const incoming = {
      ...record,
      value: record.value === null ? null : Buffer.from(record.value),
      partition: 0,
      offset: BigInt(written.length),
      timestamp: WRITTEN,
    }
    written.push(incoming)
    return incoming
  }
  const log = {
    async producer(options?: ProducerOptions) {
      producers.push(options)
      let waiting: { record: OutgoingRecord; done: (at: IncomingRecord) => void }[] = []
      const send = () => {
        const batch = waiting
        waiting = []
        const sealed = options?.seal?.(batch.map(w => w.record)) ?? batch.map(w => w.record)
        for (const [i, record] of sealed.entries()) batch[i]!.done(append(record))
      }
      return {
        publish(record: OutgoingRecord) {
          if ((record.value?.length ?? 0) > maxValue) return Promise.reject(new RecordTooLarge('too large'))
          if (waiting.length === 0) queueMicrotask(send)
          return new Promise<IncomingRecord>(done => waiting.push({ record, done }))
        },
        flush: async () => {},
        close: async () => {},
      }
    },
  } as unknown as EventLog
  return { log, written, producers }
}

const IDS = new Map(SCHEMA_FILES.map((file, i) => [file.name as EventType, i + 1]))
function memoryRegistry(
  writerSchema: EventRegistry['writerSchema'],
  known = new Map<number, string>(),
): EventRegistry {
  return { schemaIds: IDS, known, writerSchema }
}
const all = new Map(SCHEMA_FILES.map((file, i) => [i + 1, file.schema]))
const complete = memoryRegistry(async () => ({ kind: 'missing', message: 'no' }), all)

const orders = generateKey('sidecar:orders', ['sidecar'], ['orders'])
const started = (n: number) =>
  ({
    type: 'CompensationStarted',
    data: {
      eventId: `rb-${n}/orders/started/0.1`,
      correlationId: `order-${n}`,
      rollbackId: `rb-${n}`,
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
  }) as UnwindEvent

async function sent(events: readonly UnwindEvent[]) {
  const { log, written, producers } = memoryLog()
  const sender = await createEventSender({
    log,
    topics,
    registry: complete,
    key: signingKey(orders.privateKey),
    source: '/unwind/sidecar/orders',
  })
  const at = await Promise.all(
    events.map(event =>
      sender.send(event, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }),
    ),
  )
  return { written, producers, at, sender }
}

describe('an event that is sent', () => {
  test('lies under its key in its topic, with its headers, signed with its batch, and opens again', async () => {
    const { written, at } = await sent([started(1), started(2)])
    expect(at.map(a => a.offset)).toEqual([0n, 1n])
    const [first, second] = written as [IncomingRecord, IncomingRecord]
    expect([first.topic, first.key, first.headers['unwind-system']]).toEqual([
      't.rollback',
      'order-1',
      'orders',
    ])
    expect(first.headers[HEADER.signature]).toBe(second.headers[HEADER.signature])
    const trust = new TrustStore([orders.publicKey])
    expect(written.map(record => trust.verify(record).ok)).toEqual([true, true])
    const { record, ...opened } = createEventOpener({ registry: complete }).open(second) as Extract<
      Opened,
      { kind: 'event' }
    >
    expect(record).toBe(second)
    expect(opened).toEqual({
      kind: 'event',
      event: started(2),
      position: { topic: 't.rollback', partition: 0, offset: 1n },
      version: 1,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
  })

  test('goes to the topic of its kind', async () => {
    const action = {
      type: 'ActionRecorded',
      data: { ...started(1).data, action: 'a', resource: null, data: '{}', items: 1, digest: null },
    } as UnwindEvent
    const announced = {
      type: 'SidecarAnnounced',
      data: { ...started(1).data, contractHash: 'h', adapter: 'postgres' },
    } as UnwindEvent
    const { written } = await sent([action, announced])
    expect(written.map(r => [r.topic, r.key])).toEqual([
      ['t.actions', 'order-1'],
      ['t.contracts', 'orders/orders-0'],
    ])
  })

  test('is refused before anything is sent when it does not fit its schema', async () => {
    const { written, sender } = await sent([])
    await expect(
      sender.send({ ...started(1), data: { ...started(1).data, attempt: 'one' } } as unknown as UnwindEvent),
    ).rejects.toMatchObject({
      name: 'EncodeFailed',
    })
    expect(written).toEqual([])
  })
})

describe('opening', () => {
  const asPoison = (opened: Opened | Promise<Opened>) => {
    expect(opened).not.toBeInstanceOf(Promise)
    const { kind, message } = opened as Extract<Opened, { kind: 'poison' }>
    return `${kind}: ${message}`
  }

  test('asks for an unknown schema once, then opens at once', async () => {
    const asked: number[] = []
    const registry = memoryRegistry(async id => {
      asked.push(id)
      return { kind: 'schema', schema: all.get(id)! }
    })
    const { written } = await sent([started(1), started(2)])
    const opener = createEventOpener({ registry })
    const first = opener.open(written[0]!)
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toMatchObject({ kind: 'event', event: started(1) })
    expect(opener.open(written[1]!)).toMatchObject({ kind: 'event', event: started(2) })
    expect(asked).toEqual([IDS.get('CompensationStarted')])
  })

  test('rejects, and calls nothing poison, while the registry cannot be asked', async () => {
    let answer: () => Promise<SchemaById> = () => Promise.reject(new RegistryUnavailable('down'))
    const { written } = await sent([started(1)])
    const opener: EventOpener = createEventOpener({ registry: memoryRegistry(() => answer()) })
    await expect(opener.open(written[0]!)).rejects.toBeInstanceOf(RegistryUnavailable)
    answer = async () => ({ kind: 'schema', schema: all.get(IDS.get('CompensationStarted')!)! })
    expect(await opener.open(written[0]!)).toMatchObject({ kind: 'event' })
  })

  test('gives poison for a schema ID that the registry does not have', async () => {
    const { written } = await sent([started(1)])
    const record = { ...written[0]!, value: Buffer.from([0, 0, 0, 9, 9, 1]) }
    expect(await createEventOpener({ registry: complete }).open(record)).toMatchObject({
      kind: 'poison',
      message: 't.rollback partition 0 offset 0 cannot be read: the registry has no schema 2313: no',
    })
  })

  test('gives poison for garbage, a tombstone, and a value above the limit, with the record untouched', async () => {
    const { written } = await sent([started(1)])
    const opener = createEventOpener({ registry: complete, maxValueBytes: 200 })
    const garbage = { ...written[0]!, value: Buffer.from('garbage') }
    const opened = opener.open(garbage)
    expect(asPoison(opened)).toMatch(
      /^poison: t\.rollback partition 0 offset 0 cannot be read: first byte is 103/,
    )
    expect((opened as Opened).record).toBe(garbage)
    expect(asPoison(opener.open({ ...garbage, value: null }))).toMatch(/it has no value$/)
    expect(asPoison(opener.open({ ...garbage, value: Buffer.alloc(201) }))).toMatch(
      /its value of 201 bytes is above the limit of 200$/,
    )
  })

  test('gives poison when key or headers do not say what the body says', async () => {
    const { written } = await sent([started(1)])
    const opener = createEventOpener({ registry: complete })
    const record = written[0]!
    expect(asPoison(opener.open({ ...record, key: 'order-2' }))).toMatch(
      /its key is "order-2", the body says "order-1"$/,
    )
    expect(
      asPoison(opener.open({ ...record, headers: { ...record.headers, 'unwind-system': 'stock' } })),
    ).toMatch(/header unwind-system says "stock", the body says "orders"$/)
  })
})

describe('a quarantined record', () => {
  const poison: IncomingRecord = {
    topic: 't.rollback',
    partition: 3,
    offset: 17n,
    timestamp: WRITTEN,
    key: 'order-1',
    value: Buffer.from([1, 2, 3]),
    headers: { ce_id: 'x', 'unwind-signature': 'original' },
  }

  test('keeps key, bytes and headers, and says where it lay and why', async () => {
    const { log, written, producers } = memoryLog()
    const quarantine = createQuarantine({ log, topics, groupId: 'sidecar-orders' })
    expect(producers).toEqual([])
    await quarantine.quarantine(poison, 'poison', 'first byte is 1')
    expect(written).toEqual([
      {
        topic: 't.dead-letter',
        partition: 0,
        offset: 0n,
        timestamp: WRITTEN,
        key: 'order-1',
        value: Buffer.from([1, 2, 3]),
        headers: {
          ce_id: 'x',
          'unwind-signature': 'original',
          'kafka_dlt-original-topic': 't.rollback',
          'kafka_dlt-original-partition': '3',
          'kafka_dlt-original-offset': '17',
          'kafka_dlt-original-timestamp': String(WRITTEN),
          'kafka_dlt-original-consumer-group': 'sidecar-orders',
          'kafka_dlt-exception-fqcn': 'unwind.poison',
          'kafka_dlt-exception-message': 'first byte is 1',
          'unwind-code': 'poison',
        },
      },
    ])
    expect(producers).toEqual([undefined])
  })

  test('without a key gets one that names where it lay', async () => {
    const { log, written } = memoryLog()
    await createQuarantine({ log, topics }).quarantine(
      { ...poison, key: null, value: null },
      'unauthorised',
      'x'.repeat(3_000),
    )
    expect([
      written[0]!.key,
      written[0]!.value,
      written[0]!.headers['kafka_dlt-exception-message']!.length,
    ]).toEqual(['t.rollback/3/17', null, 2_001])
  })

  test('that is too large for the dead-letter topic leaves its value where it lies, with its digest', async () => {
    const { log, written } = memoryLog(2)
    await createQuarantine({ log, topics }).quarantine(poison, 'poison', 'why')
    expect(written[0]!.value).toBeNull()
    expect(written[0]!.headers['unwind-omitted-value-sha256']).toBe(
      '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81',
    )
  })

  test('closing without any record connects nothing', async () => {
    const { log, producers } = memoryLog()
    await createQuarantine({ log, topics }).close()
    expect(producers).toEqual([])
  })
})
