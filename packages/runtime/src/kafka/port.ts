import type { AclRule } from '@unwind/contracts'

/**
 * The one seam to Kafka. Everything above it speaks of records and positions; a driver is one folder that
 * passes the conformance suite. Obligations stand with the methods; they come from how clients lose data.
 */

/** What is sent. A key is mandatory: an unkeyed record could change partition when it is sent again. */
export interface OutgoingRecord {
  readonly topic: string
  readonly key: string
  /** Null is a tombstone. */
  readonly value: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
}

/** What is read. `headers` are decoded as UTF-8; a header that occurs twice keeps its last value. */
export interface IncomingRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The broker's or producer's timestamp, epoch ms. */
  readonly timestamp: number
  readonly key: string | null
  /** Shares its memory with all that came in the same fetch: copy it before keeping it for long. */
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface WrittenAt extends TopicPartition {
  readonly offset: bigint
}

export interface LogProducer {
  /**
   * Resolves when every in-sync replica has the record (acks = all), with where it lies.
   * - Never loses an acknowledged record. May duplicate one, and may re-order two that are in flight at once: folds
   *   ignore event IDs that they have seen.
   * - Records published while a send is in flight wait and go out together in the next one, in order of the calls.
   * - Retries what may pass by itself, until `deliveryTimeoutMs`; then rejects with `PublishFailed`, and the caller must
   *   treat the outcome as unknown.
   * - A record above the size limit rejects with `RecordTooLarge` and harms no other record.
   */
  publish(record: OutgoingRecord): Promise<WrittenAt>
  /** Resolves when all that was published before is written or has failed. */
  flush(): Promise<void>
  /** Flushes, for some seconds at most, then disconnects; what is not confirmed by then is rejected. Idempotent. */
  close(): Promise<void>
}

export interface ProducerOptions {
  /** Until a record is written or has failed, ms; infinite: until it is written or the producer is closed. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /**
   * Called with exactly the records of one send, right before it; what it returns is sent instead, record for record, and
   * is sent again unchanged when the send is retried. It may add headers, nothing else. How a batch is signed.
   */
  readonly seal?: (batch: readonly OutgoingRecord[]) => readonly OutgoingRecord[]
}

export interface Assignment {
  /** All partitions held from here on, with the offset from which each is delivered. */
  readonly partitions: ReadonlyMap<string, AssignedPartition>
}

export interface AssignedPartition extends TopicPartition {
  /** First offset that will be delivered. */
  readonly position: bigint
  /** End of the log when the partition was assigned: below it lies history, from it on lies news. */
  readonly endAtAssignment: bigint
}

export interface ConsumerHandlers {
  /**
   * Records of one partition, in order. Must hand over and return within milliseconds: no effect may run inside,
   * because a handler that outlives the session runs again on another member while it still runs here.
   * A throw is a defect: the driver logs it and stops the consumer through `onFatal`.
   */
  onRecords(records: readonly IncomingRecord[]): void
  /** After each (re)assignment, before any record of a new partition. Partitions that are gone must be let go at once. */
  onAssigned(assignment: Assignment): void
  /** The log went backwards or away: offset out of range, topic created anew. The consumer has halted (never silent). */
  onFatal(error: Error): void
}

export interface LogConsumer {
  /** Joins and begins to deliver, from the committed offset or, without one, from the log's start. */
  start(): Promise<void>
  /**
   * Notes the offset from which a restart of this group shall deliver (the next offset to read, not the last one read).
   * Written beside the loop, at least every `commitIntervalMs` and at stop; never awaited by the loop. An offset below an
   * earlier noted one is ignored.
   */
  commit(partition: TopicPartition, next: bigint): void
  /** Back-pressure: delivers nothing of these partitions until resumed. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Whether the group surely counts this member in: false once its session may have run out, e.g. after it was stopped. */
  isCounted(): boolean
  /** Leaves the group after the last noted offsets are written. Idempotent, bounded. */
  stop(): Promise<void>
}

export interface ConsumerOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly handlers: ConsumerHandlers
  /**
   * Name of this member that outlives its process: who comes back under it takes its partitions up at once, instead of
   * after the session time-out of the one that was killed. Unique within the group: a second one under the same name
   * shuts out the first. Absent: the member has no name.
   */
  readonly instanceId?: string
}

/** Reads without a group: whole topics, or a key's partition from an offset. For views, replay and `tail`. */
export interface LogReader {
  start(): Promise<void>
  /** Back-pressure: delivers nothing of these partitions until resumed. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  stop(): Promise<void>
}

export interface ReaderOptions {
  readonly topics: readonly string[]
  /**
   * Where to begin in each partition: the log's start, its end, the first record at or after a moment (epoch ms), or an offset
   * for each partition (the start, where none is given or the log no longer reaches back that far).
   */
  readonly from:
    | 'start'
    | 'end'
    | { readonly timestampMs: number }
    | { readonly offsets: ReadonlyMap<number, bigint> }
  /** Only these partitions of each topic. Absent: all. */
  readonly partitions?: readonly number[]
  readonly onRecords: (records: readonly IncomingRecord[]) => void
  /** Called once, when everything that lay in the log at the start of reading has been delivered. */
  readonly onCaughtUp?: () => void
  readonly onFatal: (error: Error) => void
}

export interface TopicState {
  readonly topic: string
  readonly partitions: number
}

export interface LogAdmin {
  /** Creates topics that are missing; a topic with fewer partitions or another configuration is an error that names the difference. */
  applyTopics(
    topics: readonly { topic: string; partitions: number; config: Readonly<Record<string, string>> }[],
  ): Promise<readonly string[]>
  describeTopics(topics: readonly string[]): Promise<readonly TopicState[]>
  /** First offset still in the log and the offset after the last one, by partition. */
  offsets(topic: string): Promise<ReadonlyMap<number, { readonly start: bigint; readonly end: bigint }>>
  /** Committed offset of a group by partition; null where there is none. */
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, bigint | null>>
  /** Client IDs and state of the members of a group. */
  members(groupId: string): Promise<{ readonly state: string; readonly clientIds: readonly string[] }>
  /** Adds what principals may do; what is there already stays. Fails where the cluster has no authoriser. */
  applyAcls(rules: readonly AclRule[]): Promise<void>
  /** Fails with what to change when a broker setting that correctness needs is not as it must be. */
  assertBrokerSettings(): Promise<void>
  close(): Promise<void>
}

/** A connection to one Kafka cluster. */
export interface EventLog {
  producer(options?: ProducerOptions): Promise<LogProducer>
  consumer(options: ConsumerOptions): LogConsumer
  reader(options: ReaderOptions): LogReader
  admin(): Promise<LogAdmin>
  /** Partition of a key in a topic with so many partitions: the same murmur2 as every other Kafka client. */
  partitionOf(key: string, partitions: number): number
  close(): Promise<void>
}

export class PublishFailed extends Error {
  override readonly name = 'PublishFailed'
}
export class RecordTooLarge extends Error {
  override readonly name = 'RecordTooLarge'
}
/** The cluster has no such topic. Topics are never created by use. */
export class TopicMissing extends Error {
  override readonly name = 'TopicMissing'
  constructor(readonly topic: string) {
    super(
      `Topic "${topic}" does not exist. Create it with "unwind topics apply", or check the configured topic prefix.`,
    )
  }
}
/** The log is no longer the one that was read: offsets are out of range or went backwards. Halt and alarm. */
export class LogRegressed extends Error {
  override readonly name = 'LogRegressed'
}
