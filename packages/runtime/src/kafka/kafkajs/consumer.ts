import type {
  AssignedPartition,
  ConsumerOptions,
  IncomingRecord,
  LogConsumer,
  TopicPartition,
} from '../port.js'
import { LogRegressed, TopicMissing } from '../port.js'
import { Commits } from './commits.js'
import { classify, errorType, messageOf } from './failures.js'
import { Fetcher } from './fetcher.js'
import type { Link } from './link.js'
import { nameOf } from './list-offsets.js'
import { GroupClient, type Membership } from './membership.js'
import { confirmPosition, startPositions } from './positions.js'
import type { Settings } from './settings.js'
import { Backoff, pause, within } from './timing.js'
import { Watchdog } from './watchdog.js'

/** Starting while no broker can be reached is tried for so long. */
const START_PATIENCE_MS = 60_000
const MISSING_TOPIC_PATIENCE_MS = 5_000
/** What looks like a mistake in code may be an answer cut short: it is tried again for so long. */
const DEFECT_PATIENCE_MS = 10_000
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
  readonly #commits = new Commits()
  readonly #aborter = new AbortController()
  readonly #watchdog: Watchdog
  #fetcher: Fetcher
  #phase: Phase = 'new'
  #held = new Map<string, AssignedPartition>()
  #generation = -1
  #mustJoin = true
  #joining = false
  /** Between the forming of a generation and knowing our share of it. */
  #shut = true
  /** When the request was sent that the coordinator answered last; `performance.now()`. */
  #counted = Number.NEGATIVE_INFINITY
  #metadataAt = performance.now()
  #loop: Promise<void> = Promise.resolve()
  #committing: Promise<void> | null = null
  #commitTimer: NodeJS.Timeout | undefined
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
    this.#fetcher = this.#newFetcher()
    this.#watchdog = new Watchdog(settings.watchdogMs, {
      idle: () => this.#held.size === 0 || this.#fetcher.paused || !this.#mayDeliver(),
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
    this.#commitTimer = setInterval(() => void this.#writeCommits(), this.settings.commitIntervalMs)
    this.#watchdog.start()
    this.#loop = this.#run()
    return assigned
  }

  commit(partition: TopicPartition, next: bigint): void {
    this.#commits.note(partition, next)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#fetcher.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#fetcher.resume(partitions)
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
    clearInterval(this.#commitTimer)
    this.#started?.reject(
      new Error(`Consumer of group "${this.options.groupId}" was stopped before it had started.`),
    )
    // A join blocks the group's connection, and what was noted before it is written already.
    if (!this.#joining) {
      await Promise.race([this.#loop, pause(STOP_STEP_MS)])
      await within(STOP_STEP_MS, 'Writing the last offsets', this.#writeCommits()).catch(error =>
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
          if (this.#isFinal(error, now - troubledAt, now - startedAt))
            return this.#halt(explain(error, this.options))
          await backoff.wait(this.#aborter.signal)
        }
      }
    }
  }

  #isFinal(error: unknown, troubledMs: number, sinceStartMs: number): boolean {
    if (error instanceof TopicMissing) return troubledMs > MISSING_TOPIC_PATIENCE_MS
    if (error instanceof LogRegressed || classify(error) === 'fatal') return true
    if (classify(error) === 'defect') return troubledMs > DEFECT_PATIENCE_MS
    return this.#started !== null && sinceStartMs > START_PATIENCE_MS
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
    if (this.#held.size > 0) await this.#writeCommits()
    const membership = await this.#formGeneration()
    if (this.#phase !== 'running') return
    // With a generation in between, others may have read on: what was held is then read again from the record.
    const continuous = membership.generation - this.#generation <= 1
    this.#generation = membership.generation
    const names = new Set(membership.partitions.map(nameOf))
    const kept = new Map([...this.#held].filter(([name]) => continuous && names.has(name)))
    const lost = kept.size < this.#held.size
    this.#held = kept
    this.#commits.keepOnly(new Set(kept.keys()))
    this.#fetcher.assign(this.#positions())
    if (lost) this.#announce()
    await this.#takeUp(membership)
    this.#mustJoin = false
    this.#shut = false
    this.#announce()
    this.settings.logger.info(
      { ...this.#fields(), generation: membership.generation, partitions: this.#held.size, kept: kept.size },
      'Joined the group.',
    )
    this.#started?.resolve()
    this.#started = null
    this.#fetcher.assign(this.#positions())
  }

  async #formGeneration(): Promise<Membership> {
    this.#joining = true
    try {
      return await this.#group.join([...this.#held.values()], () => {
        this.#shut = true
        this.#counted = performance.now()
      })
    } finally {
      this.#joining = false
    }
  }

  /** Finds where the new partitions begin, and stays a member while brokers take their time over it. */
  async #takeUp(membership: Membership): Promise<void> {
    const fresh = membership.partitions.filter(one => !this.#held.has(nameOf(one)))
    const backoff = new Backoff()
    while (fresh.length > 0) {
      try {
        const committed = new Map((await this.#group.committed(fresh)).map(one => [nameOf(one), one.offset]))
        const found = await startPositions(this.link, fresh, committed)
        for (const [name, partition] of found) {
          this.#held.set(name, partition)
          this.#commits.hold(partition, committed.get(name) ?? null)
        }
        return
      } catch (error) {
        const kind = classify(error)
        const retriable =
          kind === 'retry' || kind === 'moved' || kind === 'missing' || kind === 'broken' || kind === 'defect'
        if (!retriable || this.#isFinal(error, 0, 0) || this.#phase !== 'running') throw error
        await backoff.wait(this.#aborter.signal)
        await this.link.refresh().catch(() => undefined)
        await this.#group.heartbeat()
        this.#counted = performance.now()
      }
    }
  }

  #positions() {
    const positions = new Map<string, TopicPartition & { position: bigint }>()
    for (const [name, { topic, partition, position }] of this.#held)
      positions.set(name, { topic, partition, position })
    return positions
  }

  /** The group threw this member out: everything it held may be someone else's already. */
  #letGo(): void {
    this.settings.logger.warn(
      { ...this.#fields(), partitions: this.#held.size },
      'The group went on without this member.',
    )
    this.#shut = true
    this.#mustJoin = true
    this.#generation = -1
    this.#group.forget()
    this.#held = new Map()
    this.#commits.keepOnly(new Set())
    this.#fetcher.assign(new Map())
    this.#announce()
  }

  #announce(): void {
    try {
      const partitions = new Map(
        [...this.#held].map(([name, held]) => [name, { ...held, position: this.#positionOf(name, held) }]),
      )
      this.options.handlers.onAssigned({ partitions })
    } catch (error) {
      this.#halt(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #positionOf(name: string, held: AssignedPartition): bigint {
    return this.#fetcher.position(name) ?? held.position
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
      onRecords: (records: readonly IncomingRecord[]) => this.options.handlers.onRecords(records),
      mayDeliver: () => this.#mayDeliver(),
      onPosition: (partition, position) => {
        const name = nameOf(partition)
        const held = this.#held.get(name)
        if (held !== undefined) this.#held.set(name, { ...held, position })
      },
      onTurn: () => this.#watchdog.turn('fetch'),
      onOutOfRange: (partition, position) => void this.#onOutOfRange(partition, position),
      onDefect: error => this.#halt(error),
    })
  }

  #restartFetcher(): void {
    this.#fetcher.stop()
    this.link.dropAll()
    this.#fetcher = this.#newFetcher()
    this.#fetcher.assign(this.#positions())
  }

  async #onOutOfRange(partition: TopicPartition, position: bigint): Promise<void> {
    const backoff = new Backoff(200)
    while (this.#phase === 'running' && this.#held.has(nameOf(partition))) {
      try {
        await backoff.wait(this.#aborter.signal)
        await confirmPosition(this.link, partition, position)
        if (this.#held.has(nameOf(partition))) this.#fetcher.add(partition, position)
        return
      } catch (error) {
        if (error instanceof LogRegressed) return this.#halt(error)
      }
    }
  }

  #writeCommits(): Promise<void> {
    this.#committing ??= this.#writeDue().finally(() => {
      this.#committing = null
    })
    return this.#committing
  }

  async #writeDue(): Promise<void> {
    const due = this.#commits.due()
    if (due.length === 0 || this.#generation < 0 || (this.#shut && this.#phase === 'running')) return
    try {
      await this.#group.commit(due)
      this.#commits.written(due)
    } catch (error) {
      // Not lost: what is due is written at the next tick, or by the partitions' next owner, who reads it again.
      this.settings.logger.debug(
        { ...this.#fields(), err: error },
        `Offsets were not written yet: ${messageOf(error)}`,
      )
    }
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
    return { group: this.options.groupId, topics: this.options.topics }
  }
}

function explain(error: unknown, { groupId, instanceId }: ConsumerOptions): Error {
  const type = errorType(error)
  if (type === 'FENCED_INSTANCE_ID') {
    return new Error(
      `Another process joined group "${groupId}" as "${instanceId}": give each process its own instance ID.`,
      {
        cause: error,
      },
    )
  }
  if (type === 'INVALID_SESSION_TIMEOUT') {
    return new Error(
      `Group "${groupId}": the brokers refuse this session time-out; keep it between their group.min.session.timeout.ms ` +
        'and group.max.session.timeout.ms.',
      { cause: error },
    )
  }
  if (type === 'INCONSISTENT_GROUP_PROTOCOL') {
    return new Error(`Group "${groupId}" is in use by another kind of client: choose another group ID.`, {
      cause: error,
    })
  }
  return error instanceof Error ? error : new Error(String(error))
}
