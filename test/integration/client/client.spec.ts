import { type Client, createClient } from '@unwind/client'
import type { UnwindEvent } from '@unwind/contracts'
import { createEventOpener, type IncomingRecord, type Opened, type SigningKey } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { World } from '../../support/world.js'

let world: World
let key: SigningKey
let client: Client
const prefix = () => world.topics.actions.replace(/\.actions$/, '')

beforeAll(async () => {
  world = await World.open()
  key = world.key('client:loyalty', ['client'])
  client = await connect()
  world.onClose(() => client.close())
})
afterAll(() => world.close())

function connect(options: object = {}): Promise<Client> {
  const { brokers, registryUrl } = inject('stack')
  return createClient({ brokers, registryUrl, system: 'loyalty', key, topicPrefix: prefix(), ...options })
}

/** Everything that lies in a topic now, read without the client. */
async function readAll(topic: string): Promise<readonly IncomingRecord[]> {
  const records: IncomingRecord[] = []
  await new Promise<void>((resolve, reject) => {
    const reader = world.log.reader({
      topics: [topic],
      from: 'start',
      onRecords: some => void records.push(...some),
      onCaughtUp: () => void reader.stop().then(resolve, reject),
      onFatal: reject,
    })
    reader.start().catch(reject)
  })
  return records
}

async function eventsOf(topic: string, correlationId: string): Promise<readonly UnwindEvent[]> {
  const opener = createEventOpener({ registry: world.registry })
  const opened: Opened[] = []
  for (const record of await readAll(topic))
    if (record.key === correlationId) opened.push(await opener.open(record))
  return opened.map(one => {
    if (one.kind === 'poison') throw new Error(one.message)
    return one.event
  })
}

describe('what was recorded stands in the topic', () => {
  test('signed, decodable, where the promise said, with the trace of the request', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { actionId, at } = await client.record({
      correlationId: 'order-1',
      action: 'points.granted',
      data: { grant: 'g7', points: 10 },
      resource: 'grants/g7',
      actionId: 'loyalty:g7',
      causationId: 'payments:1',
      occurredAt: 1_000,
      traceparent,
    })
    expect(actionId).toBe('loyalty:g7')
    const records = (await readAll(world.topics.actions)).filter(record => record.key === 'order-1')
    expect(records.map(({ topic, partition, offset }) => ({ topic, partition, offset }))).toEqual([at])
    expect(records[0]!.headers.traceparent).toBe(traceparent)
    expect(world.trust().verify(records[0]!)).toMatchObject({
      ok: true,
      signer: { principal: 'client:loyalty' },
    })
    expect(await eventsOf(world.topics.actions, 'order-1')).toEqual([
      {
        type: 'ActionRecorded',
        data: {
          eventId: 'loyalty:g7',
          correlationId: 'order-1',
          system: 'loyalty',
          action: 'points.granted',
          resource: 'grants/g7',
          occurredAt: 1_000,
          emitter: 'client:loyalty',
          causationId: 'payments:1',
          data: '{"grant":"g7","points":10}',
          items: 1,
          digest: null,
        },
      },
    ])
  })

  test('a thousand at once arrive all, each once, in the order of the calls', async () => {
    const recorded = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        client.record({ correlationId: 'order-2', action: 'points.granted', data: { n } }),
      ),
    )
    const events = await eventsOf(world.topics.actions, 'order-2')
    expect(events.map(event => event.data.eventId)).toEqual(recorded.map(one => one.actionId))
    expect(new Set(recorded.map(one => one.actionId)).size).toBe(1_000)
    expect(client.waiting).toBe(0)
  })

  test('a failure and a proposal, the proposal in the ledger', async () => {
    await client.recordFailure({
      correlationId: 'order-3',
      action: 'points.granted',
      code: 'E1',
      message: 'no account',
    })
    const { rollbackId } = await client.propose({
      correlationId: 'order-3',
      reason: 'half-way',
      systems: ['loyalty'],
    })
    expect(rollbackId).toMatch(/^rb-[0-9a-z]{17}$/)
    expect((await eventsOf(world.topics.actions, 'order-3')).map(event => event.type)).toEqual([
      'ActionFailed',
    ])
    expect(await eventsOf(world.topics.rollback, 'order-3')).toMatchObject([
      {
        type: 'RollbackProposed',
        data: {
          rollbackId,
          reason: 'half-way',
          systems: ['loyalty'],
          proposedBy: 'client:loyalty',
          trigger: 'service',
        },
      },
    ])
  })
})

test('what waits is written when the client is closed, and nothing is taken afterwards', async () => {
  const other = await connect()
  const all = Array.from({ length: 50 }, (_, n) =>
    other.record({ correlationId: 'order-4', action: 'points.granted', data: { n } }),
  )
  await Promise.all([other.close(), other.close()])
  await Promise.all(all)
  expect(await eventsOf(world.topics.actions, 'order-4')).toHaveLength(50)
  await expect(
    other.record({ correlationId: 'order-4', action: 'points.granted', data: {} }),
  ).rejects.toMatchObject({
    name: 'ClientClosed',
  })
})

test('while Kafka is away records wait, up to the bound, and then say that their outcome is unknown', async () => {
  // Nothing listens there.
  const away = await connect({ brokers: ['127.0.0.1:9'], maxWaiting: 2, deliveryTimeoutMs: 1_000 })
  const record = (n: number) =>
    away.record({ correlationId: 'order-5', action: 'points.granted', data: { n } })
  const waiting = [record(1), record(2)].map(promise => promise.catch((error: Error) => error.name))
  await expect(record(3)).rejects.toMatchObject({ name: 'BackpressureError', maxWaiting: 2 })
  expect(await Promise.all(waiting)).toEqual(['PublishFailed', 'PublishFailed'])
  await away.close()
})

test('a registry without the schemas is said at once, with what to do', async () => {
  await expect(connect({ topicPrefix: `${prefix()}-none` })).rejects.toThrow('Run "unwind schemas apply"')
})
