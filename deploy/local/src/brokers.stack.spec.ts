import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bare } from '../spec/kit.js'
import { type Stack, startStack } from './index.js'

/** Each broker that has not heard of a new topic yet denies it, and kafkajs does not ask again. */
function heardOf<T>(ask: () => Promise<T>): Promise<T> {
  return vi.waitFor(ask, { timeout: 15_000, interval: 100 })
}

describe('three brokers', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
  let stack: Stack
  let kafka: Kafka
  let admin: Admin

  beforeAll(async () => {
    stack = await startStack({
      stateDir,
      parts: ['kafka'],
      brokers: 3,
      env: bare(),
    })
    kafka = new Kafka({
      brokers: stack.brokers,
      logLevel: logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 1_000 },
    })
    admin = kafka.admin()
    await admin.connect()
  }, 90_000)

  afterAll(async () => {
    await admin?.disconnect()
    await stack?.stop()
    rmSync(stateDir, { recursive: true, force: true })
  })

  it('are ready and know each other', async () => {
    expect(stack.nodes.map(node => node.id)).toEqual([1, 2, 3])
    expect((await admin.describeCluster()).brokers).toHaveLength(3)
  })

  it('keep three copies of a topic, of which two must have a record, and make no topic by themselves', async () => {
    await admin.createTopics({ topics: [{ topic: 'copies' }], waitForLeaders: false })
    const { topics } = await heardOf(() =>
      admin.fetchTopicMetadata({ topics: ['copies', '__consumer_offsets'] }),
    )
    expect(topics).toHaveLength(2)
    for (const { partitions } of topics) {
      expect(partitions).toHaveLength(12)
      for (const partition of partitions) expect([...partition.replicas].sort()).toEqual([1, 2, 3])
    }
    const { resources } = await heardOf(() =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [
          { type: ConfigResourceTypes.TOPIC, name: 'copies', configNames: ['min.insync.replicas'] },
        ],
      }),
    )
    expect(resources[0]?.configEntries[0]?.configValue).toBe('2')
    await expect(admin.fetchTopicMetadata({ topics: ['never-made'] })).rejects.toThrow(
      /does not host this topic/,
    )
  })

  it('take a record with one of them dead and refuse it with two, and all come back', async () => {
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    const send = (value: string) =>
      producer.send({ topic: 'copies', acks: -1, messages: [{ key: 'k', value }], timeout: 2_000 })
    await send('three')
    const [first, second] = stack.nodes
    await first?.kill()
    await send('two')
    await second?.kill()
    const hasty = new Kafka({
      brokers: stack.brokers,
      logLevel: logLevel.NOTHING,
      retry: { retries: 1 },
    }).producer()
    await expect(
      hasty.connect().then(() => hasty.send({ topic: 'copies', messages: [{ value: 'one' }] })),
    ).rejects.toThrow()
    await hasty.disconnect()
    await Promise.all([first?.start(), second?.start()])
    await send('three again')
    await producer.disconnect()
  }, 90_000)
})
