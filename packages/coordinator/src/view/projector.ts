import {
  type EventLog,
  type LogAdmin,
  type LogConsumer,
  partitionHistory,
  type TopicPartition,
} from '@unwind/runtime'
import { Lane } from './lane.js'
import type { RedisView } from './redis-view.js'

export interface ProjectorOptions {
  readonly log: EventLog
  readonly admin: LogAdmin
  readonly view: RedisView
  readonly groupId: string
  readonly topics: readonly string[]
  /** Older records are not carried into the view when it is built anew, milliseconds. */
  readonly keepMs: number
  readonly logger: {
    warn(fields: object, message: string): void
    info(fields: object, message: string): void
  }
  onFatal(error: Error): void
  /** Records went into the view. */
  onProgress(topic: string, partition: number, watermark: bigint, records: number): void
  /** Whether somebody waits for records of this partition. */
  awaited(topic: string, partition: number): boolean
  /** Epoch ms. */
  now(): number
}

/** By partition: what waits is memory, and twelve of them wait at once when the view is built anew. */
const PAUSE_ABOVE = 1_500
const RESUME_BELOW = 500
const COMPARE_EVERY_MS = 1_000

/** Carries actions and ledger into the Redis view as raw bytes, in a consumer group of its own. */
export class Projector {
  readonly #lanes = new Map<
    string,
    { readonly lane: Lane; readonly partition: TopicPartition; readonly closing: AbortController }
  >()
  readonly #paused = new Set<string>()
  readonly #consumer: LogConsumer
  #timer: NodeJS.Timeout | undefined
  #comparing = false

  constructor(private readonly options: ProjectorOptions) {
    this.#consumer = options.log.consumer({
      groupId: options.groupId,
      topics: options.topics,
      handlers: {
        onAssigned: ({ partitions }) => {
          const now = new Map([...partitions.values()].map(p => [nameOf(p), p]))
          for (const name of [...this.#lanes.keys()]) if (!now.has(name)) this.#close(name)
          for (const [name, p] of now) if (!this.#lanes.has(name)) this.#open(name, p, p.position)
        },
        onRecords: records => {
          const first = records[0]
          const held = first && this.#lanes.get(nameOf(first))
          if (!held) return
          held.lane.push(records)
          if (held.lane.waiting > PAUSE_ABOVE) this.#pause(held.partition)
        },
        onFatal: error => options.onFatal(error),
      },
    })
  }

  async start(): Promise<void> {
    await this.#consumer.start()
    this.#timer = setInterval(() => void this.compareNow(), COMPARE_EVERY_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    for (const name of [...this.#lanes.keys()]) this.#close(name)
    await this.#consumer.stop()
  }

  /** Records that wait to be written. */
  get waiting(): number {
    let sum = 0
    for (const { lane } of this.#lanes.values()) sum += lane.waiting
    return sum
  }

  /** Somebody waits for records of this partition: what is read of it is written at once. */
  hurry(topic: string, partition: number): void {
    this.#lanes.get(nameOf({ topic, partition }))?.lane.hurry()
  }

  /** Looks whether the view still stands where it was left: one that was flushed is found without waiting for a record. */
  async compareNow(): Promise<void> {
    if (this.#comparing || !this.options.view.reachable) return
    this.#comparing = true
    try {
      for (const topic of this.options.topics) {
        const found = await this.options.view.watermarks(topic)
        for (const { lane, partition } of this.#lanes.values())
          if (partition.topic === topic) lane.compare(found.get(partition.partition) ?? null)
      }
    } catch {
      // The lanes notice by themselves when they next write, and say so.
    } finally {
      this.#comparing = false
    }
  }

  #open(name: string, { topic, partition: number }: TopicPartition, position: bigint): void {
    const { log, admin, view, keepMs, logger, now } = this.options
    const partition = { topic, partition: number }
    const closing = new AbortController()
    const offsets = async () => (await admin.offsets(topic)).get(number) ?? { start: 0n, end: 0n }
    const lane = new Lane({
      partition,
      position,
      logStart: async () => (await offsets()).start,
      logEnd: async () => (await offsets()).end,
      view,
      history: until =>
        partitionHistory({
          log,
          partition,
          from: { timestampMs: now() - keepMs },
          until,
          signal: closing.signal,
        }),
      onWritten: (next, records) => {
        // Only what the view holds is committed, so that a restart is never ahead of it.
        this.#consumer.commit(partition, next)
        this.options.onProgress(topic, number, next, records)
      },
      onRoom: () => {
        if (lane.waiting < RESUME_BELOW) this.#resume(partition)
      },
      awaited: () => this.options.awaited(topic, number),
      logger,
    })
    this.#lanes.set(name, { lane, partition, closing })
  }

  #close(name: string): void {
    const held = this.#lanes.get(name)
    held?.lane.close()
    held?.closing.abort()
    this.#lanes.delete(name)
    this.#paused.delete(name)
  }

  #pause(partition: TopicPartition): void {
    const name = nameOf(partition)
    if (this.#paused.has(name)) return
    this.#paused.add(name)
    this.#consumer.pause([partition])
  }

  #resume(partition: TopicPartition): void {
    if (this.#paused.delete(nameOf(partition))) this.#consumer.resume([partition])
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
