/** Events through the real registry and the real log: sent, signed by the batch, read, verified, opened; and what is not one of ours. */
import { randomUUID } from 'node:crypto'
import { HEADER, type TopicNames, topicNames, topicSpecifications, type UnwindEvent } from '@unwind/contracts'
import {
  applySchemas,
  connectKafkajs,
  createEventOpener,
  createEventSender,
  createQuarantine,
  DEAD_LETTER,
  type EventLog,
  type EventRegistry,
  generateKey,
  type IncomingRecord,
  openRegistry,
  signingKey,
  TrustStore,
} from '@unwind/runtime'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'

const { brokers, registryUrl: url } = inject('stack')
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const orders = generateKey('sidecar:orders', ['sidecar'], ['orders'])
const trust = new TrustStore([orders.publicKey])
const topics: TopicNames = topicNames(`events-${randomUUID().slice(0, 8)}`)
let log: EventLog
let registry: EventRegistry

beforeAll(async () => {
  log = connectKafkajs({ brokers, clientId: 'events-spec', logger: quiet })
  const admin = await log.admin()
  await admin.applyTopics(topicSpecifications(topics, 2))
  await admin.close()
  await applySchemas({ url }, topics)
  registry = await openRegistry({ url, topics })
})
afterAll(() => log?.close())

/** Everything that lies in a topic now. */
async function readAll(topic: string): Promise<readonly IncomingRecord[]> {
  const found: IncomingRecord[] = []
  let stop: (() => Promise<void>) | undefined
  await new Promise<void>((resolve, reject) => {
    const reader = log.reader({
      topics: [topic],
      from: 'start',
      onRecords: records => void found.push(...records),
      onCaughtUp: resolve,
      onFatal: reject,
    })
    stop = () => reader.stop()
    reader.start().catch(reject)
  })
  await stop?.()
  return found
}

const note = (n: number) =>
  ({
    type: 'NoteAdded',
    data: {
      eventId: `rb-${n % 7}/note/${n}`,
      correlationId: `order-${n % 7}`,
      rollbackId: `rb-${n % 7}`,
      occurredAt: 1_700_000_000_000 + n,
      emitter: 'sidecar:orders',
      causationId: null,
      author: 'ünwind 😀',
      text: `note ${n}`,
    },
  }) as UnwindEvent

test('events lie where they were said to lie, signed by the batch, and open to what was sent', async () => {
  const sender = await createEventSender({
    log,
    topics,
    registry,
    key: signingKey(orders.privateKey),
    source: '/unwind/sidecar/orders',
  })
  const events = Array.from({ length: 100 }, (_, n) => note(n))
  const positions = await Promise.all(events.map(event => sender.send(event)))
  await sender.close()
  const records = await readAll(topics.rollback)
  expect(records).toHaveLength(100)
  expect(records.map(record => trust.verify(record)).filter(verified => !verified.ok)).toEqual([])
  expect(new Set(records.map(record => record.headers[HEADER.signature])).size).toBeLessThan(50)
  const opener = createEventOpener({ registry })
  const byId = new Map(records.map(record => [record.headers[HEADER.id], record]))
  for (const [n, event] of events.entries()) {
    const { topic, partition, offset } = positions[n]!
    expect(opener.open(byId.get(event.data.eventId)!)).toMatchObject({
      kind: 'event',
      event,
      position: { topic, partition, offset },
    })
  }
})

test('garbage is poison, and is set aside byte for byte with where it lay', async () => {
  const producer = await log.producer()
  const value = Buffer.from([0xff, 0x00, 0xfe, 0x80, 0x7f])
  const at = await producer.publish({
    topic: topics.actions,
    key: 'order-1',
    value,
    headers: { 'x-from': 'elsewhere' },
  })
  await producer.close()
  const record = (await readAll(topics.actions)).find(
    r => r.partition === at.partition && r.offset === at.offset,
  )!
  const opened = await createEventOpener({ registry }).open(record)
  if (opened.kind !== 'poison') throw new Error('it was opened')
  expect(trust.verify(record)).toMatchObject({ ok: false, code: 'unauthorised' })
  const quarantine = createQuarantine({ log, topics, groupId: 'g' })
  await quarantine.quarantine(record, opened.code, opened.message)
  await quarantine.close()
  expect(
    (await readAll(topics.deadLetter)).map(({ key, value, headers }) => ({ key, value, headers })),
  ).toEqual([
    {
      key: 'order-1',
      value,
      headers: {
        'x-from': 'elsewhere',
        [DEAD_LETTER.topic]: topics.actions,
        [DEAD_LETTER.partition]: String(at.partition),
        [DEAD_LETTER.offset]: String(at.offset),
        [DEAD_LETTER.timestamp]: String(record.timestamp),
        [DEAD_LETTER.exception]: 'unwind.poison',
        [DEAD_LETTER.message]: `${topics.actions} partition ${at.partition} offset ${at.offset} cannot be read: first byte is 255, expected the magic byte 0`,
        [DEAD_LETTER.code]: 'poison',
        [DEAD_LETTER.group]: 'g',
      },
    },
  ])
})
