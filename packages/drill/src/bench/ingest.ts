import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { peakRssMb, startChild, stopChild } from './child.js'
import { Driver } from './driver.js'
import type { Figure } from './report.js'
import { type BenchSite, CLIENT, topicsOf } from './setup.js'

/**
 * Actions into the timeline's view: signed records that lie in the topic, read by a coordinator that was just started, until the
 * view's watermarks reach the end. The reference reads the same records with plain kafkajs and does nothing with them.
 */
export async function ingest(
  site: BenchSite,
  actions: number,
  perCorrelation: number,
): Promise<readonly Figure[]> {
  const driver = await Driver.open(site)
  await preload(driver, actions, perCorrelation)
  await driver.close()
  const raw = await rawConsume(site, actions)
  const redis = new Redis(site.redisUrl)
  const before = await usedMemory(redis)
  const child = await startChild(new URL('./coordinator-process.js', import.meta.url), [
    'coordinator',
    JSON.stringify(site),
  ])
  try {
    const perSecond = await untilIngested(site, redis, actions)
    const bytes = ((await usedMemory(redis)) - before) / actions
    const peak = peakRssMb(child)
    const reference = { name: 'raw_kafka_consumed_per_second', value: raw }
    return [
      { name: 'actions_ingested_per_second', value: perSecond, unit: 'actions/s', reference },
      { name: 'redis_bytes_per_action', value: bytes, unit: 'B', reference: null },
      ...(peak === null
        ? []
        : [{ name: 'coordinator_ingest_peak_rss_mb', value: peak, unit: 'MB', reference: null }]),
    ]
  } finally {
    await stopChild(child)
    redis.disconnect()
  }
}

/** @param only all of them under this correlation ID. */
export async function preload(
  driver: Driver,
  actions: number,
  perCorrelation: number,
  only?: string,
): Promise<void> {
  let pending: Promise<unknown>[] = []
  for (let i = 0; i < actions; i++) {
    const correlationId = only ?? `order-${Math.floor(i / perCorrelation)}`
    const common = {
      correlationId,
      system: 'alpha',
      action: 'entry.written',
      resource: `entries/${i}`,
      causationId: null,
    }
    const own = {
      eventId: `alpha:${only ?? ''}${i}`,
      occurredAt: Date.now(),
      emitter: CLIENT,
      data: `{"id":${i}}`,
      items: 1,
      digest: null,
    }
    pending.push(driver.sender.send({ type: 'ActionRecorded', data: { ...common, ...own } }))
    if (pending.length === 5_000) {
      await Promise.all(pending)
      pending = []
    }
  }
  await Promise.all(pending)
}

export async function untilIngested(
  site: BenchSite,
  redis: Redis,
  actions: number,
  withinMs = 120_000,
): Promise<number> {
  const key = `${site.prefix}:v3:watermarks:${topicsOf(site).actions}`
  let first: { at: number; count: number } | null = null
  const deadline = Date.now() + withinMs
  for (;;) {
    const count = Object.values(await redis.hgetall(key)).reduce((sum, offset) => sum + Number(offset), 0)
    const at = performance.now()
    if (count > 0) first ??= { at, count }
    if (first && count >= actions) return ((count - first.count) * 1_000) / (at - first.at)
    if (Date.now() > deadline)
      throw new Error(`${count} of ${actions} actions were ingested after ${withinMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export async function usedMemory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

export async function rawConsume(site: BenchSite, actions: number): Promise<number> {
  const kafka = new Kafka({ clientId: 'bench-raw', brokers: [...site.brokers], logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({ groupId: `raw-${Date.now()}`, allowAutoTopicCreation: false })
  await consumer.connect()
  await consumer.subscribe({ topic: topicsOf(site).actions, fromBeginning: true })
  let count = 0
  let began = 0
  const rate = new Promise<number>(resolve => {
    void consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 12,
      eachBatch: async ({ batch }) => {
        began ||= performance.now()
        count += batch.messages.length
        if (count >= actions) resolve((count * 1_000) / (performance.now() - began))
      },
    })
  })
  const result = await rate
  await consumer.disconnect()
  return result
}
