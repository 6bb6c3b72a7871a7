import { type IncomingRecord, LogRegressed, type TopicPartition } from '../port.js'
import { classify, messageOf } from './failures.js'
import { createErrorFromCode } from './internals.js'
import type { Link } from './link.js'
import { nameOf } from './list-offsets.js'
import { MissingTopics } from './missing-topics.js'
import { FETCH_PACE, Pace } from './pace.js'
import type { Settings } from './settings.js'
import { Backoff, pause } from './timing.js'
import { decodeBatches, UnreadableBatch } from './wire/decode-batch.js'
import { type FetchedPartition, fetchRequest } from './wire/fetch.js'

/** A partition that is being read. */
interface Track extends TopicPartition {
  /** Next offset to deliver. */
  position: bigint
  paused: boolean
  /** Fetched while it was paused, or when a delivery ended in a pause. */
  held: readonly IncomingRecord[]
  /** Where fetching goes on, once what is held is delivered. */
  fetchFrom: bigint
}

export interface FetcherEvents {
  onRecords(records: readonly IncomingRecord[]): void
  /** Asked before each delivery: false holds everything back until `wake` is called. */
  mayDeliver(): boolean
  /** The position moved, with or without records. */
  onPosition(partition: TopicPartition, position: bigint): void
  /** A fetch was answered or failed: the loop is alive. */
  onTurn(): void
  /** The broker says that the position lies outside of the log. Nothing of the partition is fetched any more. */
  onOutOfRange(partition: TopicPartition, position: bigint): void
  /** Reading cannot go on: a defect in the handler, or a log that cannot be read. */
  onDefect(error: Error): void
}

/** So long a decode or delivery may keep the event loop from timers and sockets, ms. */
const TURN_MS = 20
/** Answers in a row that could not be made sense of. */
const MAX_DEFECTS = 5

/**
 * Reads partitions, one long poll per leader at a time, and hands over records in order. Failures are its own affair:
 * it asks for new leaders and tries again with capped waits for as long as it runs.
 */
export class Fetcher {
  readonly #tracks = new Map<string, Track>()
  readonly #lanes = new Set<number>()
  readonly #missing = new MissingTopics()
  readonly #stopping = new AbortController()
  #awaitingLeaders: Promise<void> | null = null
  #turn = 0

  constructor(
    readonly link: Link,
    readonly settings: Settings,
    readonly events: FetcherEvents,
  ) {}

  /** Reads exactly these partitions from here on; one that is read already goes on from where it is. */
  assign(positions: ReadonlyMap<string, TopicPartition & { readonly position: bigint }>): void {
    for (const name of [...this.#tracks.keys()]) if (!positions.has(name)) this.#tracks.delete(name)
    for (const [name, one] of positions) if (!this.#tracks.has(name)) this.add(one, one.position)
    this.wake()
  }

  /** Reads one more partition. */
  add(partition: TopicPartition, position: bigint): void {
    const { topic, partition: number } = partition
    const track = { topic, partition: number, position, paused: false, held: [], fetchFrom: position }
    this.#tracks.set(nameOf(partition), track)
    this.wake()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) {
      const track = this.#tracks.get(nameOf(one))
      if (track !== undefined) track.paused = true
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) {
      const track = this.#tracks.get(nameOf(one))
      if (track !== undefined) track.paused = false
    }
    // Not inside the caller's stack: it may be in the middle of handling a delivery.
    setImmediate(() => this.wake())
  }

  get paused(): boolean {
    for (const track of this.#tracks.values()) if (!track.paused) return false
    return true
  }

  /** Looks again at what can be delivered and fetched. */
  wake(): void {
    if (this.#stopping.signal.aborted || !this.events.mayDeliver()) return
    for (const track of this.#tracks.values())
      if (!track.paused && track.held.length > 0) this.#deliver(track, track.held)
    for (const leader of new Set([...this.#tracks.values()].map(track => this.#leaderOf(track)))) {
      if (leader < 0) this.#findLeaders()
      else if (!this.#lanes.has(leader) && this.#fetchable(leader).length > 0) {
        this.#lanes.add(leader)
        void this.#runLane(leader)
      }
    }
  }

  stop(): void {
    this.#stopping.abort()
    this.#tracks.clear()
  }

  #leaderOf(track: Track): number {
    return this.link.known(track.topic)?.leaders.get(track.partition) ?? -1
  }

  #fetchable(leader: number): Track[] {
    const tracks: Track[] = []
    for (const track of this.#tracks.values()) {
      if (!track.paused && track.held.length === 0 && this.#leaderOf(track) === leader) tracks.push(track)
    }
    // Brokers fill an answer in the order of the request: everyone is first at times.
    const first = this.#turn++ % Math.max(1, tracks.length)
    return first === 0 ? tracks : [...tracks.slice(first), ...tracks.slice(0, first)]
  }

  async #runLane(leader: number): Promise<void> {
    try {
      await this.#readFrom(leader)
    } finally {
      // At once, not a turn later: a wake in between would take this lane for a running one.
      this.#lanes.delete(leader)
    }
  }

  async #readFrom(leader: number): Promise<void> {
    const backoff = new Backoff()
    const pace = new Pace(FETCH_PACE)
    let failing = false
    let defects = 0
    while (!this.#stopping.signal.aborted && this.events.mayDeliver()) {
      const tracks = this.#fetchable(leader)
      if (tracks.length === 0) return
      try {
        const { moved, records } = await this.#fetch(leader, tracks)
        this.events.onTurn()
        if (failing) this.settings.logger.info({ broker: leader }, 'Fetching works again.')
        failing = false
        if (!moved) {
          backoff.reset()
          defects = 0
          pace.note(records, performance.now())
          const gather = pace.gather(performance.now())
          if (gather > 0) await pause(gather, this.#stopping.signal)
          continue
        }
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        this.events.onTurn()
        if (error instanceof UnreadableBatch) return this.events.onDefect(error)
        defects = classify(error) === 'defect' ? defects + 1 : 0
        if (classify(error) === 'fatal' || defects > MAX_DEFECTS) return this.events.onDefect(asError(error))
        if (!failing) {
          this.settings.logger.warn(
            { broker: leader, err: error },
            `Fetching failed and is tried again: ${messageOf(error)}`,
          )
        }
        failing = true
      }
      await backoff.wait(this.#stopping.signal)
      await this.link.refresh().catch(() => undefined)
      // Leaders may be others now; lanes for them start, and this one ends when nothing is left for it.
      queueMicrotask(() => this.wake())
    }
  }

  /** `moved`: a partition asked for was not to be read there, so metadata is old. */
  async #fetch(
    leader: number,
    tracks: readonly Track[],
  ): Promise<{ readonly moved: boolean; readonly records: number }> {
    const broker = await this.link.node(leader)
    const request = fetchRequest({
      partitions: tracks.map(({ topic, partition, fetchFrom }) => ({
        topic,
        partition,
        offset: fetchFrom,
        maxBytes: this.settings.fetchBytesPerPartition,
      })),
      maxWaitMs: this.settings.maxWaitMs,
      maxBytes: this.settings.fetchBytes,
    })
    const { responses } = await this.link.send<{ responses: FetchedPartition[] }>(broker, request)
    let moved = false
    let records = 0
    let turn = performance.now()
    for (const fetched of responses) {
      const track = this.#tracks.get(nameOf(fetched))
      // Given away, or assigned anew from elsewhere, while the answer was on its way.
      if (track === undefined || !tracks.includes(track)) continue
      if (fetched.errorCode !== 0) {
        moved = this.#onErrorCode(track, fetched.errorCode) || moved
        continue
      }
      if (fetched.data.length === 0) continue
      records += this.#take(track, fetched)
      if (performance.now() - turn > TURN_MS) {
        await pause(0)
        turn = performance.now()
      }
    }
    return { moved, records }
  }

  /** @returns how many records it brought. */
  #take(track: Track, fetched: FetchedPartition): number {
    const { records, next } = decodeBatches(
      fetched.data,
      track.topic,
      track.partition,
      track.fetchFrom,
      fetched.aborted,
    )
    if (next === null || next <= track.fetchFrom) return 0
    track.fetchFrom = next
    if (records.length > 0) {
      track.held = records
      if (!track.paused && this.events.mayDeliver()) this.#deliver(track, records)
    } else {
      track.position = next
      this.#guarded(() => this.events.onPosition(track, next))
    }
    return records.length
  }

  /** What a handler throws is a defect of the handler, never a failed fetch that is tried again (and again). */
  #guarded(action: () => void): boolean {
    try {
      action()
      return true
    } catch (error) {
      this.events.onDefect(asError(error))
      return false
    }
  }

  #deliver(track: Track, records: readonly IncomingRecord[]): void {
    const name = nameOf(track)
    const size = this.settings.maxDelivery
    for (let at = 0; at < records.length; at += size) {
      // The handler may pause, stop or lose the partition between two deliveries.
      if (track.paused || this.#tracks.get(name) !== track || !this.events.mayDeliver()) return
      const part = records.length <= size ? records : records.slice(at, at + size)
      const rest = records.slice(at + part.length)
      track.held = rest
      track.position = rest.length === 0 ? track.fetchFrom : part[part.length - 1]!.offset + 1n
      const position = track.position
      const handled = this.#guarded(() => {
        this.events.onRecords(part)
        this.events.onPosition(track, position)
      })
      if (!handled) return
    }
  }

  #onErrorCode(track: Track, code: number): boolean {
    const error = createErrorFromCode(code)
    if (error.type === 'OFFSET_OUT_OF_RANGE') {
      this.#tracks.delete(nameOf(track))
      this.events.onOutOfRange({ topic: track.topic, partition: track.partition }, track.fetchFrom)
      return false
    }
    if (classify(error) === 'fatal') throw error
    return true
  }

  #lookForMissing(): void {
    const topics = new Set([...this.#tracks.values()].map(track => track.topic))
    const gone = this.#missing.look(topics, topic => this.link.known(topic) !== undefined)
    if (gone !== null)
      this.events.onDefect(new LogRegressed(`Topic "${gone}" was deleted while it was being read.`))
  }

  #findLeaders(): void {
    this.#awaitingLeaders ??= (async () => {
      await pause(200, this.#stopping.signal)
      await this.link.refresh().then(
        () => this.#lookForMissing(),
        () => undefined,
      )
      this.#awaitingLeaders = null
      this.wake()
    })()
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
