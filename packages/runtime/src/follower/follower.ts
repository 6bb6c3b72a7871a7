import type { FailureCode, Position, UnwindEvent } from '@unwind/contracts'
import type { EventLog, IncomingRecord, LogConsumer, TopicPartition } from '../kafka/port.js'
import { type Cancel, pause, systemTimers, type Timers } from '../timers.js'
import { Lane } from './lane.js'

/** Who signed a record, after its signature was checked against the trust store. */
export interface Signer {
  readonly principal: string
  readonly roles: readonly string[]
  readonly systems: readonly string[]
  readonly keyId: string
}

/** What a record's headers say, without decoding it. */
export interface Peek {
  readonly type: string | null
  readonly eventId: string | null
  readonly rollbackId: string | null
  readonly system: string | null
  readonly stepId: string | null
  readonly correlationId: string | null
}

export interface Followed {
  readonly event: UnwindEvent
  readonly position: Position
  /** When the broker took it in, epoch ms. */
  readonly writtenAt: number
  /** False while history is being read again after a start or a rebalance: fold, but do not act. */
  readonly live: boolean
  readonly signer: Signer
  readonly traceparent: string | null
}

export interface Refused {
  readonly code: FailureCode
  readonly message: string
}

export type OpenedRecord =
  | { readonly kind: 'event'; readonly event: UnwindEvent; readonly traceparent: string | null }
  | { readonly kind: 'poison'; readonly message: string }

export interface FollowerOptions {
  readonly log: EventLog
  readonly groupId: string
  /** Name of this process in its group, unlike every other's: a restart under it takes its partitions back at once. */
  readonly instanceId?: string
  readonly topics: readonly string[]
  readonly logger: FollowerLogger
  peek(record: IncomingRecord): Peek
  /** Whether the record concerns this process. False: it is passed over without being decoded or verified. */
  wants(peek: Peek, record: IncomingRecord): boolean
  /** Rejects when a dependency is away (the record waits); a record that cannot be read is a value. */
  open(record: IncomingRecord): OpenedRecord | Promise<OpenedRecord>
  verify(
    record: IncomingRecord,
  ): { readonly ok: true; readonly signer: Signer } | { readonly ok: false; readonly message: string }
  /** Whether this signer may say this (I5). */
  admit(event: UnwindEvent, signer: Signer, record: IncomingRecord): Refused | null
  /** In the order of the partition. Must not throw. A promise holds the partition. */
  onEvent(followed: Followed): void | Promise<void>
  /** A record was not taken: unreadable, unsigned, wrongly signed, or not this signer's to say. A promise holds the partition. */
  onRefused(record: IncomingRecord, refused: Refused): void | Promise<void>
  /** The partition's history is folded; from here on act. */
  onLive(partition: TopicPartition): void
  /** The partition went to another process: forget what belongs to it and stop acting for it. */
  onReleased(partition: TopicPartition): void
  /** Offset from which a restart must read this partition again; null: nothing in it is open. */
  oldestNeeded(partition: TopicPartition): bigint | null
  onFatal(error: Error): void
  /** Default: the system's. */
  readonly timers?: Timers
}

export interface FollowerLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Follower {
  start(): Promise<void>
  stop(): Promise<void>
  isLive(partition: TopicPartition): boolean
  /** Live, and nobody else can have the partition at this moment: asked before what the log cannot take back. */
  isOurs(partition: TopicPartition): boolean
  /** The first offset of it that was not handled here yet; null: it belongs to another process. */
  next(partition: TopicPartition): bigint | null
  /** Notes the offsets of now; also done twice a second and at stop. */
  noteOffsets(): void
}

const NOTE_EVERY_MS = 500
/** Records and bytes of one partition that may wait here; more are left at the broker. */
const PAUSE_ABOVE = { records: 4_000, bytes: 16 << 20 } as const
const RESUME_BELOW = { records: 1_000, bytes: 4 << 20 } as const

/**
 * Follows topics as one member of a group: opens, verifies and admits each record that concerns this process, hands
 * it on in order, and keeps the group's offsets at what a restart would need. Shared by sidecars and coordinators.
 */
export function createFollower(options: FollowerOptions): Follower {
  const { logger, timers = systemTimers } = options
  const lanes = new Map<string, Lane>()
  const held = new Map<string, TopicPartition>()
  const paused = new Set<string>()
  let stopNoting: Cancel = () => {}
  const keyOf = (p: TopicPartition) => `${p.topic}/${p.partition}`

  const consumer: LogConsumer = options.log.consumer({
    groupId: options.groupId,
    ...(options.instanceId === undefined ? {} : { instanceId: options.instanceId }),
    topics: options.topics,
    handlers: {
      onAssigned({ partitions }) {
        const now = new Set([...partitions.values()].map(keyOf))
        for (const [key, partition] of held) if (!now.has(key)) release(key, partition)
        for (const p of partitions.values()) {
          const key = keyOf(p)
          if (held.has(key)) continue
          const partition = { topic: p.topic, partition: p.partition }
          const lane = new Lane(p.position, p.endAtAssignment, {
            handle: record => handle(record, lane),
            caughtUp: () => options.onLive(partition),
            elapsed: timers.elapsed,
            giveWay: timers.giveWay,
          })
          held.set(key, partition)
          lanes.set(key, lane)
          lane.begin()
        }
      },
      onRecords(records) {
        const first = records[0]
        if (!first) return
        const key = keyOf(first)
        const lane = lanes.get(key)
        if (!lane) return
        lane.push(records)
        const tooMuch = lane.waiting > PAUSE_ABOVE.records || lane.waitingBytes > PAUSE_ABOVE.bytes
        if (tooMuch && !paused.has(key)) {
          paused.add(key)
          consumer.pause([{ topic: first.topic, partition: first.partition }])
        }
      },
      onFatal: error => options.onFatal(error),
    },
  })

  function release(key: string, partition: TopicPartition): void {
    lanes.get(key)?.close()
    lanes.delete(key)
    held.delete(key)
    paused.delete(key)
    options.onReleased(partition)
  }

  function handle(record: IncomingRecord, lane: Lane): void | Promise<void> {
    const little = lane.waiting < RESUME_BELOW.records && lane.waitingBytes < RESUME_BELOW.bytes
    if (little && paused.size > 0) resume(record)
    if (!options.wants(options.peek(record), record)) return
    const opened = tryOpen(record)
    return opened instanceof Promise ? opened.then(o => take(record, o, lane)) : take(record, opened, lane)
  }

  function resume(record: TopicPartition): void {
    if (!paused.delete(keyOf(record))) return
    consumer.resume([{ topic: record.topic, partition: record.partition }])
  }

  function tryOpen(record: IncomingRecord): OpenedRecord | Promise<OpenedRecord> {
    const opened = options.open(record)
    return opened instanceof Promise ? opened.catch(error => openLater(record, error, 1)) : opened
  }

  /** The record is fine, what reads it is away (the registry): wait, never call it poison. */
  async function openLater(record: IncomingRecord, error: unknown, attempt: number): Promise<OpenedRecord> {
    const delay = Math.min(5_000, 100 * 2 ** attempt)
    const where = { topic: record.topic, partition: record.partition, offset: String(record.offset) }
    logger.warn(
      { ...where, attempt, delayMs: delay, reason: String(error) },
      'cannot read a record yet, its partition waits',
    )
    await pause(timers, delay)
    if (!lanes.has(keyOf(record))) return { kind: 'poison', message: 'the partition went away' }
    try {
      return await options.open(record)
    } catch (again) {
      return openLater(record, again, attempt + 1)
    }
  }

  function take(record: IncomingRecord, opened: OpenedRecord, lane: Lane): void | Promise<void> {
    // Lost while it waited: the next owner takes it.
    if (lanes.get(keyOf(record)) !== lane) return
    if (opened.kind === 'poison')
      return options.onRefused(record, { code: 'poison', message: opened.message })
    const verified = options.verify(record)
    if (!verified.ok) return options.onRefused(record, { code: 'unauthorised', message: verified.message })
    const refused = options.admit(opened.event, verified.signer, record)
    if (refused) return options.onRefused(record, refused)
    const { topic, partition, offset } = record
    const { event, traceparent } = opened
    return options.onEvent({
      event,
      position: { topic, partition, offset },
      writtenAt: record.timestamp,
      live: lane.live,
      signer: verified.signer,
      traceparent,
    })
  }

  function noteOffsets(): void {
    for (const [key, partition] of held) {
      const next = lanes.get(key)!.next
      const needed = options.oldestNeeded(partition)
      consumer.commit(partition, needed !== null && needed < next ? needed : next)
    }
  }

  return {
    async start() {
      await consumer.start()
      stopNoting = timers.every(NOTE_EVERY_MS, noteOffsets)
    },
    async stop() {
      stopNoting()
      noteOffsets()
      for (const lane of lanes.values()) lane.close()
      await consumer.stop()
    },
    isLive: partition => lanes.get(keyOf(partition))?.live ?? false,
    isOurs: partition => (lanes.get(keyOf(partition))?.live ?? false) && consumer.isCounted(),
    next: partition => lanes.get(keyOf(partition))?.next ?? null,
    noteOffsets,
  }
}
