import { randomUUID } from 'node:crypto'
import type {
  Assignment,
  ConsumerHandlers,
  EventLog,
  IncomingRecord,
  LogConsumer,
  OutgoingRecord,
  TopicPartition,
} from '../port.js'

/** What a driver must be able to be told for the suite to run on it. */
export interface DriverOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly sessionTimeoutMs: number
}

export interface Harness {
  /** Brokers of a real cluster, reachable on 127.0.0.1. */
  readonly brokers: readonly string[]
  connect(options: DriverOptions): EventLog
  /** Deletes by other means than the driver: what happens to topics behind its back. */
  deleteTopic(topic: string): Promise<void>
  /** Deletes all records of a partition below the offset. */
  deleteRecords(partition: TopicPartition, below: bigint): Promise<void>
}

/** The shortest session that the local stack's brokers allow and a busy machine survives. */
export const SESSION_MS = 3_000

/** Everything that a test opens is closed after it, also when it fails. */
export class Room {
  readonly #close: (() => Promise<void>)[] = []
  readonly log: EventLog

  constructor(readonly harness: Harness) {
    this.log = this.connect(harness.brokers)
  }

  connect(brokers: readonly string[], clientId = 'conformance'): EventLog {
    const log = this.harness.connect({ brokers, clientId, sessionTimeoutMs: SESSION_MS })
    this.#close.push(() => log.close())
    return log
  }

  defer(close: () => Promise<void>): void {
    this.#close.push(close)
  }

  async topic(partitions = 4, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = `conformance.${randomUUID()}`
    const admin = await this.log.admin()
    await admin.applyTopics([{ topic, partitions, config }])
    return topic
  }

  async close(): Promise<void> {
    for (const close of this.#close.splice(0).reverse()) await close()
  }
}

export function record(
  topic: string,
  key: string,
  value: string,
  headers: Record<string, string> = {},
): OutgoingRecord {
  return { topic, key, value: Buffer.from(value), headers }
}

export function texts(records: readonly IncomingRecord[]): (string | null)[] {
  return records.map(one => one.value?.toString() ?? null)
}

/** Waits for a condition. @throws Error that says for what it waited. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  ms = 20_000,
): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${ms} ms in vain for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** A consumer's handlers that note everything. */
export class Probe implements ConsumerHandlers {
  readonly records: IncomingRecord[] = []
  readonly assignments: Assignment[] = []
  readonly failures: Error[] = []
  /** Called for each delivery, after it was noted. */
  afterwards: (records: readonly IncomingRecord[]) => void = () => undefined

  onRecords(records: readonly IncomingRecord[]): void {
    this.records.push(...records)
    this.afterwards(records)
  }

  onAssigned(assignment: Assignment): void {
    this.assignments.push(assignment)
  }

  onFatal(error: Error): void {
    this.failures.push(error)
  }

  get held(): string[] {
    return [...(this.assignments.at(-1)?.partitions.keys() ?? [])].sort()
  }

  /** Notes each record as done when it comes. */
  committing(consumer: () => LogConsumer): this {
    this.afterwards = records => {
      for (const one of records) consumer().commit(one, one.offset + 1n)
    }
    return this
  }
}

/** A member of a group with its probe, started. */
export async function member(
  log: EventLog,
  groupId: string,
  topic: string,
  options: { readonly commit?: boolean; readonly instanceId?: string } = {},
): Promise<{ consumer: LogConsumer; probe: Probe }> {
  const probe = new Probe()
  const named = options.instanceId === undefined ? {} : { instanceId: options.instanceId }
  const consumer: LogConsumer = log.consumer({ groupId, topics: [topic], handlers: probe, ...named })
  if (options.commit !== false) probe.committing(() => consumer)
  await consumer.start()
  return { consumer, probe }
}

export function duplicates(records: readonly IncomingRecord[]): string[] {
  const seen = new Set<string>()
  const twice: string[] = []
  for (const { topic, partition, offset } of records) {
    const name = `${topic}/${partition}@${offset}`
    if (seen.has(name)) twice.push(name)
    seen.add(name)
  }
  return twice
}
