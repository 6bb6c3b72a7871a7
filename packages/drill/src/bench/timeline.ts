import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { type ApiClient, ApiProblem, createApiClient } from '@unwind/client'
import { Redis } from 'ioredis'
import { Random } from '../simulation/engine/random.js'
import { peakRssMb, startChild, stopChild } from './child.js'
import { Driver } from './driver.js'
import { preload, rawConsume, untilIngested, usedMemory } from './ingest.js'
import type { Figure } from './report.js'
import type { BenchSite } from './setup.js'

const QUERIES = 3_000
const SEED = 4_711
/** Above it a correlation ID is refused, unless the coordinator is told otherwise. */
const MOST_RECORDS = 10_000
const WITHIN_MS = 1_800_000
const SAMPLE_MS = 500
const LOOK_MS = 200

/**
 * Many recorded actions in the timeline's view: how fast they come in, what they cost, how fast a timeline is answered, how long
 * building all of it again takes, and that it is the same afterwards.
 */
export async function timeline(
  site: BenchSite,
  actions: number,
  perCorrelation: number,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  const driver = await Driver.open(site)
  await preload(driver, actions, perCorrelation)
  await driver.close()
  say(`${actions} actions of ${Math.ceil(actions / perCorrelation)} correlation IDs are recorded`)
  const raw = await rawConsume(site, actions)
  const redis = new Redis(site.redisUrl)
  const before = await usedMemory(redis)
  const port = await freePort()
  const child = await startChild(new URL('./coordinator-process.js', import.meta.url), [
    'coordinator',
    JSON.stringify(site),
    String(port),
  ])
  const rss = sampled(child)
  try {
    const perSecond = await untilIngested(site, redis, actions, WITHIN_MS)
    const bytes = ((await usedMemory(redis)) - before) / actions
    const rssOfIngest = rss.samples()
    say(`ingested at ${Math.round(perSecond)}/s, ${Math.round(bytes)} B each`)
    const api = createApiClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 60_000 })
    const queriesOf = (queries: number) =>
      queried(api, Math.ceil(actions / perCorrelation), perCorrelation, queries)
    const latencies = await queriesOf(QUERIES)
    const at = (q: number) => quantile(latencies, q)
    say(`a timeline in ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms`)
    const flood = await flooded(site, api, Math.max(MOST_RECORDS * 2, Math.ceil(actions / 5)), queriesOf)
    say(`${flood.actions} actions under one correlation ID are refused in ${flood.refusalMs.toFixed(1)} ms`)
    const rebuilt = await rebuild(api)
    say(`built again in ${(rebuilt / 1_000).toFixed(1)} s, to the same digest`)
    const peak = peakRssMb(child)
    const consumed = { name: 'raw_kafka_consumed_per_second', value: raw }
    const early = rssOfIngest[Math.floor(rssOfIngest.length / 4)]
    const late = rssOfIngest.at(-1)
    return [
      {
        name: 'timeline_actions_ingested_per_second',
        value: perSecond,
        unit: 'actions/s',
        reference: consumed,
      },
      { name: 'timeline_redis_bytes_per_action', value: bytes, unit: 'B', reference: null },
      { name: 'timeline_query_p50_ms', value: at(0.5), unit: 'ms', reference: null },
      {
        name: 'timeline_query_p99_ms',
        value: at(0.99),
        unit: 'ms',
        reference: { name: 'target_ms', value: 10 },
      },
      { name: 'timeline_flooded_refusal_ms', value: flood.refusalMs, unit: 'ms', reference: null },
      { name: 'timeline_flooded_shown_ms', value: flood.shownMs, unit: 'ms', reference: null },
      {
        name: 'timeline_query_beside_flood_p99_ms',
        value: quantile(flood.latencies, 0.99),
        unit: 'ms',
        reference: { name: 'timeline_query_p99_ms', value: at(0.99) },
      },
      { name: 'timeline_rebuild_seconds', value: rebuilt / 1_000, unit: 's', reference: null },
      {
        name: 'timeline_rebuilt_per_second',
        value: (actions * 1_000) / rebuilt,
        unit: 'actions/s',
        reference: consumed,
      },
      ...(late === undefined || early === undefined
        ? []
        : [
            {
              name: 'timeline_coordinator_rss_end_mb',
              value: late,
              unit: 'MB',
              reference: { name: 'rss_after_a_quarter_mb', value: early },
            },
          ]),
      ...(peak === null
        ? []
        : [{ name: 'timeline_coordinator_peak_rss_mb', value: peak, unit: 'MB', reference: null }]),
    ]
  } finally {
    rss.stop()
    await stopChild(child)
    redis.disconnect()
  }
}

/** Latencies of timelines of correlation IDs that nobody asked for before, as a caller sees them, ms, sorted. */
async function queried(
  api: ApiClient,
  correlations: number,
  actions: number,
  queries: number,
): Promise<readonly number[]> {
  const random = new Random(SEED)
  const latencies: number[] = []
  for (let i = 0; i < queries; i++) {
    const correlationId = `order-${random.between(0, correlations - 1)}`
    const began = performance.now()
    const { entries } = await api.timeline(correlationId)
    latencies.push(performance.now() - began)
    if (entries.length !== actions)
      throw new Error(`the timeline of ${correlationId} has ${entries.length} entries, not ${actions}`)
  }
  // The first ones warm up connections and code.
  return latencies.slice(Math.floor(queries / 10)).sort((a, b) => a - b)
}

interface Flood {
  readonly actions: number
  /** Until a plan of it was refused, ms. */
  readonly refusalMs: number
  /** Until what is shown of its timeline was there, ms. */
  readonly shownMs: number
  /** Of other timelines, while somebody looks at this one again and again. */
  readonly latencies: readonly number[]
}

/** Very many actions under one correlation ID: refused soon, and nobody else is held up for long. */
async function flooded(
  site: BenchSite,
  api: ApiClient,
  actions: number,
  queriesOf: (queries: number) => Promise<readonly number[]>,
): Promise<Flood> {
  const correlationId = 'flooded'
  const driver = await Driver.open(site)
  await preload(driver, actions, actions, correlationId)
  await driver.close()
  while ((await api.viewState()).behind > 0) await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  const timed = async (work: () => Promise<unknown>) => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }
  const refusalMs = await timed(() =>
    api.dryRun({ correlationId }).then(
      () => Promise.reject(new Error(`${actions} actions under one correlation ID were planned`)),
      error => {
        if (!(error instanceof ApiProblem) || error.status !== 422) throw error
      },
    ),
  )
  const shownMs = await timed(() => api.timeline(correlationId))
  let looking = true
  const looker = (async () => {
    while (looking) await api.timeline(correlationId)
  })()
  // Both are waited for, and the first that fails is told.
  const beside = queriesOf(QUERIES / 10).finally(() => {
    looking = false
  })
  const [latencies] = await Promise.all([beside, looker])
  return { actions, refusalMs, shownMs, latencies }
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!
}

/** @returns milliseconds until the view was complete again. @throws Error when it is another one. */
async function rebuild(api: ApiClient): Promise<number> {
  const before = await api.viewDigest()
  const began = performance.now()
  let state = await api.rebuildView()
  while (state.stale || state.behind > 0) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    state = await api.viewState()
  }
  const took = performance.now() - began
  const after = await api.viewDigest()
  if (after.digest !== before.digest)
    throw new Error(
      `the view had the digest ${before.digest} and has ${after.digest} after it was built again`,
    )
  return took
}

/** Resident memory while it works, MB; empty where /proc is not. */
function sampled(child: ChildProcess): { samples(): readonly number[]; stop(): void } {
  const found: number[] = []
  const timer = setInterval(() => {
    try {
      const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
      if (match) found.push(Math.round(Number(match[1]) / 1_024))
    } catch {
      // Not Linux, or it has ended: what was seen until then counts.
    }
  }, SAMPLE_MS)
  return { samples: () => [...found], stop: () => clearInterval(timer) }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
