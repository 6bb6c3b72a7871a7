import { type LogReader, type ReaderOptions, TopicMissing, type TopicPartition } from '../port.js'
import { classify } from './failures.js'
import { Fetcher } from './fetcher.js'
import type { Link } from './link.js'
import { listOffsets, nameOf, type Place } from './list-offsets.js'
import { recheckPosition } from './positions.js'
import type { Settings } from './settings.js'
import { Backoff } from './timing.js'
import { Watchdog } from './watchdog.js'

const START_PATIENCE_MS = 60_000

/** Reads without a group, straight from the leaders: nothing to join, nothing to leave behind. */
export class Reader implements LogReader {
  readonly #aborter = new AbortController()
  readonly #watchdog: Watchdog
  /** Ends that are still ahead of the position; caught up when there is none. */
  readonly #behind = new Map<string, bigint>()
  #positions = new Map<string, TopicPartition & { readonly position: bigint }>()
  #fetcher: Fetcher
  #started = false
  #halted = false

  constructor(
    readonly link: Link,
    readonly settings: Settings,
    readonly options: ReaderOptions,
  ) {
    this.#fetcher = this.#newFetcher()
    this.#watchdog = new Watchdog(settings.watchdogMs, {
      idle: () => this.#positions.size === 0 || this.#fetcher.paused,
      grouped: false,
      restart: () => this.#restart(),
      giveUp: error => this.#halt(error),
      log: settings.logger,
    })
  }

  async start(): Promise<void> {
    if (this.#started) throw new Error('A reader starts once; make a new one.')
    this.#started = true
    try {
      await this.#begin()
    } catch (error) {
      this.#end()
      throw error
    }
    if (this.#aborter.signal.aborted) return
    this.#watchdog.start()
    this.#fetcher.assign(this.#positions)
    if (this.#behind.size === 0) this.options.onCaughtUp?.()
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#fetcher.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#fetcher.resume(partitions)
  }

  async stop(): Promise<void> {
    this.#end()
  }

  #end(): void {
    this.#aborter.abort()
    this.#watchdog.stop()
    this.#fetcher.stop()
    this.link.close()
  }

  async #begin(): Promise<void> {
    const backoff = new Backoff()
    const deadline = Date.now() + START_PATIENCE_MS
    for (;;) {
      try {
        return await this.#locate()
      } catch (error) {
        const final = isFinal(error) || Date.now() > deadline
        if (final || this.#aborter.signal.aborted) throw error
        await backoff.wait(this.#aborter.signal)
        await this.link.refresh().catch(() => undefined)
      }
    }
  }

  async #locate(): Promise<void> {
    const partitions: TopicPartition[] = []
    for (const topic of this.options.topics) {
      const { leaders } = await this.link.topic(topic)
      for (const partition of this.options.partitions ?? leaders.keys()) {
        if (!leaders.has(partition)) {
          throw new RangeError(`Topic "${topic}" has partitions 0 to ${leaders.size - 1}, not ${partition}.`)
        }
        partitions.push({ topic, partition })
      }
    }
    const given = offsetsIn(this.options.from)
    const [ends, begins] = await Promise.all([
      listOffsets(this.link, partitions, 'end'),
      listOffsets(this.link, partitions, given === null ? (this.options.from as Place) : 'start'),
    ])
    for (const { topic, partition } of partitions) {
      const name = nameOf({ topic, partition })
      const end = ends.get(name) ?? 0n
      const found = begins.get(name) ?? -1n
      const wanted = given?.get(partition) ?? found
      const begin = wanted > found ? wanted : found
      // No record at or after the moment: what comes next is the first one after it.
      const position = begin < 0n ? end : begin
      this.#positions.set(name, { topic, partition, position })
      if (position < end) this.#behind.set(name, end)
    }
  }

  #newFetcher(): Fetcher {
    return new Fetcher(this.link, this.settings, {
      onRecords: records => this.options.onRecords(records),
      mayDeliver: () => !this.#aborter.signal.aborted,
      onPosition: (partition, position) => this.#moved(partition, position),
      onTurn: () => this.#watchdog.turn('fetch'),
      onOutOfRange: (partition, position) => void this.#onOutOfRange(partition, position),
      onDefect: error => this.#halt(error),
    })
  }

  #moved({ topic, partition }: TopicPartition, position: bigint): void {
    const name = nameOf({ topic, partition })
    this.#positions.set(name, { topic, partition, position })
    const end = this.#behind.get(name)
    if (end === undefined || position < end) return
    this.#behind.delete(name)
    if (this.#behind.size === 0) this.options.onCaughtUp?.()
  }

  #restart(): void {
    this.#fetcher.stop()
    this.link.dropAll()
    this.#fetcher = this.#newFetcher()
    this.#fetcher.assign(this.#positions)
  }

  async #onOutOfRange(partition: TopicPartition, position: bigint): Promise<void> {
    const wanted = () => !this.#aborter.signal.aborted
    const regression = await recheckPosition(this.link, partition, position, wanted)
    if (regression !== null) this.#halt(regression)
    else if (wanted()) this.#fetcher.add(partition, position)
  }

  #halt(error: Error): void {
    if (this.#halted || this.#aborter.signal.aborted) return
    this.#halted = true
    this.#end()
    this.settings.logger.error(
      { topics: this.options.topics, err: error },
      `The reader halted: ${error.message}`,
    )
    this.options.onFatal(error)
  }
}

function offsetsIn(from: ReaderOptions['from']): ReadonlyMap<number, bigint> | null {
  return typeof from === 'object' && 'offsets' in from ? from.offsets : null
}

function isFinal(error: unknown): boolean {
  const kind = classify(error)
  return error instanceof TopicMissing || kind === 'fatal' || kind === 'defect'
}
