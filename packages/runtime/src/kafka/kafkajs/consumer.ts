import type { ConsumerOptions, LogConsumer, TopicPartition } from '../port.js'
import { CommitWriter } from './commit-writer.js'
import { classify, messageOf } from './failures.js'
import { Fetcher } from './fetcher.js'
import { explain, isFinal } from './group-failures.js'
import { Holdings } from './holdings.js'
import type { Link } from './link.js'
import { nameOf } from './list-offsets.js'
import { GroupClient, type Membership } from './membership.js'
import { recheckPosition, startPositions } from './positions.js'
import type { Settings } from './settings.js'
import { Backoff, pause, within } from './timing.js'
import { Watchdog } from './watchdog.js'

/** Each part of a stop takes at most so long. */
const STOP_STEP_MS = 2_000
/** How often a change of the topics' partition count is looked for. */
const METADATA_INTERVAL_MS = 30_000

type Phase = 'new' | 'running' | 'stopping' | 'halted'

/**
 * One member of a group. Two loops that never wait for each other: the group loop (join, heartbeats) and the fetcher.
 * Nothing is delivered unless the group surely counts this member in: not while a new generation forms, and not when
 * the last heartbeat that was answered is older than the session, because then others may hold the partitions (I2).
 */
export class Consumer implements LogConsumer {
  readonly #group: GroupClient
  readonly #holdings = new Holdings()
  readonly #writer: CommitWriter
  readonly #aborter = new AbortController()
  readonly #watchdog: Watchdog
  #fetcher: Fetcher
  #phase: Phase = 'new'
  #generation = -1
  #mustJoin = true
  #joining = false
  /** Between the forming of a generation and knowing our share of it. */
  #shut = true
  /** When the request was sent that the coordinator answered last; `performance.now()`. */
  #counted = Number.NEGATIVE_INFINITY
  #metadataAt = performance.now()
  #loop: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | null = null
  #started: { resolve(): void; reject(error: Error): void } | null = null

  constructor(
    readonly groupLink: Link,
    readonly link: Link,
    readonly settings: Settings,
    readonly options: ConsumerOptions,
  ) {
    const { groupId, topics, instanceId } = options
    this.#group = new GroupClient(groupLink, link, settings, groupId, topics, instanceId ?? null)
    // Between generations nothing is taken; at the end one last try costs nothing.
    const mayWrite = () => this.#generation >= 0 && !(this.#shut && this.#phase === 'running')
    this.#writer = new CommitWriter(
      this.#holdings.commits,
      this.#group,
      settings.commitIntervalMs,
      mayWrite,
      settings.logger,
      settings.failpoint,
    )
    this.#fetcher = this.#newFetcher()
    this.#watchdog = new Watchdog(settings.watchdogMs, {
      idle: () => this.#holdings.size === 0 || this.#fetcher.paused || !this.#mayDeliver(),
      restart: () => this.#restartFetcher(),
      giveUp: error => this.#halt(error),
      log: settings.logger,
    })
  }

  start(): Promise<void> {
    if (this.#phase !== 'new') return Promise.reject(new Error('A consumer starts once; make a new one.'))
    this.#phase = 'running'
    const assigned = new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject }
    })
    this.#writer.start()
    this.#watchdog.start()
    this.#loop = this.#run()
    return assigned
  }

  commit(partition: TopicPartition, next: bigint): void {
    this.#holdings.commits.note(partition, next)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#fetcher.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#fetcher.resume(partitions)
  }

  isCounted(): boolean {
    return this.#mayDeliver()
  }

  stop(): Promise<void> {
    if (this.#phase !== 'halted') this.#phase = 'stopping'
    this.#stopped ??= this.#shutDown()
    return this.#stopped
  }

  async #shutDown(): Promise<void> {
    this.#fetcher.stop()
    this.#aborter.abort()
    this.#watchdog.stop()
    this.#writer.stop()
    this.#started?.reject(
      new Error(`Consumer of group "${this.options.groupId}" was stopped before it had started.`),
    )
    // A join blocks the group's connection, and what was noted before it is written already.
    if (!this.#joining) {
      await Promise.race([this.#loop, pause(STOP_STEP_MS)])
      await within(STOP_STEP_MS, 'Writing the last offsets', this.#writer.write()).catch(error =>
        this.settings.logger.warn({ err: error }, `Last offsets were not written: ${messageOf(error)}`),
      )
    }
    // A member that does not say goodbye only costs the others a session time-out.
    await within(STOP_STEP_MS, 'Leaving the group', this.#group.leave()).catch(() => undefined)
    this.groupLink.close()
    this.link.close()
  }

  async #run(): Promise<void> {
    const backoff = new Backoff()
    const startedAt = performance.now()
    let troubledAt: number | null = null
    while (this.#phase === 'running') {
      try {
        if (this.#mustJoin) await this.#join()
        else await this.#heartbeat()
        if (troubledAt !== null) this.settings.logger.info(this.#fields(), 'The group is reachable again.')
        troubledAt = null
        backoff.reset()
        this.#watchdog.turn('group')
        await pause(this.settings.heartbeatIntervalMs, this.#aborter.signal)
      } catch (error) {
        if (this.#phase !== 'running') return
        this.#watchdog.turn('group')
        const kind = classify(error)
        if (kind === 'rejoin') this.#mustJoin = true
        else if (kind === 'lost') this.#letGo()
        else {
          const now = performance.now()
          if (troubledAt === null) {
            this.settings.logger.warn(
              { ...this.#fields(), err: error },
              `The group cannot be reached: ${messageOf(error)}`,
            )
            troubledAt = now
          }
          const startingMs = this.#started === null ? null : now - startedAt
          if (isFinal(error, now - troubledAt, startingMs)) return this.#halt(explain(error, this.options))
          await backoff.wait(this.#aborter.signal)
        }
      }
    }
  }

  async #heartbeat(): Promise<void> {
    const sentAt = performance.now()
    await this.#group.heartbeat()
    const wasCounted = this.#mayDeliver()
    this.#counted = sentAt
    if (!wasCounted) this.#fetcher.wake()
    if (sentAt - this.#metadataAt > METADATA_INTERVAL_MS) await this.#lookForPartitions(sentAt)
  }

  /** Topics may get more partitions: whoever sees it first has the group share them out. */
  async #lookForPartitions(now: number): Promise<void> {
    this.#metadataAt = now
    const before = this.options.topics.map(topic => this.link.known(topic)?.leaders.size)
    await this.link.refresh()
    const after = this.options.topics.map(topic => this.link.known(topic)?.leaders.size)
    if (after.some((count, index) => count !== undefined && count !== before[index])) this.#mustJoin = true
  }

  async #join(): Promise<void> {
    // The old generation is valid until the new one stands: what is settled is on record before partitions move.
    if (this.#holdings.size > 0) await this.#writer.write()
    const membership = await this.#formGeneration()
    if (this.#phase !== 'running') return
    // With a generation in between, others may have read on: what was held is then read again from the record.
    const continuous = membership.generation - this.#generation <= 1
    this.#generation = membership.generation
    const lost = this.#holdings.keepOnly(continuous ? membership.partitions : [])
    const kept = this.#holdings.size
    this.#fetcher.assign(this.#holdings.positions())
    if (lost > 0) this.#announce()
    await this.#takeUp(membership)
    this.#mustJoin = false
    this.#shut = false
    this.#announce()
    await this.settings.failpoint('group.assigned')
    const { generation } = membership
    this.settings.logger.info({ ...this.#fields(), generation, kept }, 'Joined the group.')
    this.#started?.resolve()
    this.#started = null
    this.#fetcher.assign(this.#holdings.positions())
  }

  async #formGeneration(): Promise<Membership> {
    this.#joining = true
    try {
      return await this.#group.join(this.#holdings.partitions(), () => {
        this.#shut = true
        this.#counted = performance.now()
      })
    } finally {
      this.#joining = false
    }
  }

  /** Finds where the new partitions begin, and stays a member while brokers take their time over it. */
  async #takeUp(membership: Membership): Promise<void> {
    const fresh = membership.partitions.filter(one => !this.#holdings.has(one))
    const backoff = new Backoff()
    while (fresh.length > 0) {
      try {
        const committed = new Map((await this.#group.committed(fresh)).map(one => [nameOf(one), one.offset]))
        this.#holdings.takeUp(await startPositions(this.link, fresh, committed), committed)
        return
      } catch (error) {
        const kind = classify(error)
        if (kind === 'rejoin' || kind === 'lost' || isFinal(error, 0, null) || this.#phase !== 'running')
          throw error
        await backoff.wait(this.#aborter.signal)
        await this.link.refresh().catch(() => undefined)
        await this.#group.heartbeat()
        this.#counted = performance.now()
      }
    }
  }

  /** The group threw this member out: everything it held may be someone else's already. */
  #letGo(): void {
    this.settings.logger.warn(this.#fields(), 'The group went on without this member.')
    this.#shut = true
    this.#mustJoin = true
    this.#generation = -1
    this.#group.forget()
    this.#holdings.keepOnly([])
    this.#fetcher.assign(this.#holdings.positions())
    this.#announce()
  }

  #announce(): void {
    try {
      this.options.handlers.onAssigned(this.#holdings.assignment())
    } catch (error) {
      this.#halt(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #mayDeliver(): boolean {
    return (
      this.#phase === 'running' &&
      !this.#shut &&
      performance.now() - this.#counted < this.settings.sessionTimeoutMs
    )
  }

  #newFetcher(): Fetcher {
    return new Fetcher(this.link, this.settings, {
      onRecords: records => this.options.handlers.onRecords(records),
      mayDeliver: () => this.#mayDeliver(),
      onPosition: (partition, position) => this.#holdings.moved(partition, position),
      onTurn: () => this.#watchdog.turn('fetch'),
      onOutOfRange: (partition, position) => void this.#onOutOfRange(partition, position),
      onDefect: error => this.#halt(error),
    })
  }

  #restartFetcher(): void {
    this.#fetcher.stop()
    this.link.dropAll()
    this.#fetcher = this.#newFetcher()
    this.#fetcher.assign(this.#holdings.positions())
  }

  async #onOutOfRange(partition: TopicPartition, position: bigint): Promise<void> {
    const wanted = () => this.#phase === 'running' && this.#holdings.has(partition)
    const regression = await recheckPosition(this.link, partition, position, wanted)
    if (!wanted()) return
    if (regression !== null) this.#halt(regression)
    else this.#fetcher.add(partition, position)
  }

  #halt(error: Error): void {
    if (this.#phase !== 'running') return
    this.#phase = 'halted'
    this.settings.logger.error({ ...this.#fields(), err: error }, `The consumer halted: ${error.message}`)
    const starting = this.#started
    this.#started = null
    starting?.reject(error)
    this.#stopped ??= this.#shutDown()
    this.options.handlers.onFatal(error)
  }

  #fields() {
    return { group: this.options.groupId, topics: this.options.topics, partitions: this.#holdings.size }
  }
}
