import { eventIds, type LedgerEvent, peekHeaders, type TopicNames } from '@unwind/contracts'
import { type ContractLookup, DEFAULT_LOOKS, dueLook, type LookSettings, looksOf } from '@unwind/core'
import {
  createAuthority,
  createFollower,
  type EventLog,
  type EventOpener,
  type Followed,
  type Follower,
  systemTimers,
  type Timers,
  type TrustStore,
} from '@unwind/runtime'
import { Wakeups } from '../ledger/wakeups.js'
import { type Examination, examine } from './examination.js'
import { type Told, type Watched, WatchList } from './watched.js'

export interface AftermathSettings extends Partial<LookSettings> {
  /** Late actions open the rollback again: a revision is planned, and the policy decides. Default: people are told, nothing more. */
  readonly reopen?: boolean
}

export interface AftermathOptions
  extends AftermathSettings,
    Pick<Examination, 'find' | 'actionsOf' | 'principal'> {
  readonly log: EventLog
  readonly topics: TopicNames
  readonly groupId: string
  readonly opener: EventOpener
  readonly trust: Pick<TrustStore, 'verify' | 'verifyBytes'>
  contracts(): ContractLookup
  send(event: LedgerEvent): Promise<unknown>
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** Epoch ms. */
  now(): number
  /** Default: the system's. */
  readonly timers?: Timers
  onFatal(error: Error): void
}

const TYPES = new Set<string | null>([
  'RollbackClosed',
  'RollbackRequested',
  'ReconciliationRequested',
  'ReconciliationReported',
])
const AGAIN_AFTER_MS = 1_000
const AT_ONCE = 8
/** A report in history that is older was judged: a ledger that is read from its start is not judged all over. */
const JUDGED_WITHIN_MS = 7 * 86_400_000

/**
 * What comes after the end: asks for probes on schedule, looks for actions that were recorded late, and turns what does not fit
 * the end into anomalies. Never on the way of a rollback; shares the partitions with other coordinators, and what two say at once has
 * one ID.
 */
export class Aftermath {
  readonly #list = new WatchList()
  readonly #settings: LookSettings
  readonly #wakeups: Wakeups<string>
  readonly #follower: Follower
  readonly #timers: Timers
  /** Looks at one rollback come one after the other, those at others beside them: each reads a history. */
  readonly #lanes: Promise<void>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve())
  #stopped = false

  constructor(private readonly options: AftermathOptions) {
    const { log, topics, groupId, opener, trust, logger, onFatal } = options
    const { probeAfterMs, watchMs } = { ...DEFAULT_LOOKS, ...options }
    this.#timers = options.timers ?? systemTimers
    this.#settings = { probeAfterMs, watchMs }
    this.#wakeups = new Wakeups(options.now, rollbackId => this.#look(rollbackId), this.#timers)
    const admit = createAuthority(trust)
    this.#follower = createFollower({
      log,
      groupId,
      topics: [topics.rollback],
      logger,
      peek: record => peekHeaders(record.headers),
      wants: ({ type, rollbackId }) =>
        TYPES.has(type) &&
        rollbackId !== null &&
        (type !== 'RollbackRequested' || this.#list.get(rollbackId) !== undefined),
      open: record => opener.open(record),
      verify: record => trust.verify(record),
      admit,
      onEvent: followed => this.#onEvent(followed),
      // The coordinator's own follower sets it aside and alarms.
      onRefused: () => undefined,
      onLive: ({ partition }) => this.#onLive(partition),
      onReleased: ({ partition }) => {
        for (const { rollbackId } of this.#list.of(partition).watched) this.#wakeups.forget(rollbackId)
        this.#list.release(partition)
      },
      oldestNeeded: ({ partition }) => this.#list.oldest(partition),
      onFatal,
      timers: this.#timers,
    })
  }

  /** Rollbacks that are looked at again. */
  get watched(): number {
    return this.#list.size
  }

  async start(): Promise<void> {
    await this.#follower.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wakeups.stop()
    await this.#follower.stop()
    await Promise.all(this.#lanes)
  }

  #onEvent({ event, position, live }: Followed): void {
    const { partition, offset: from } = position
    switch (event.type) {
      case 'RollbackClosed': {
        const { rollbackId, correlationId, occurredAt, endState } = event.data
        // A person stopped it half-way: nothing was promised that could drift.
        if (endState === 'ABANDONED') return
        this.#forget(rollbackId)
        const watched = { rollbackId, correlationId, partition, from, closedAt: occurredAt, upTo: occurredAt }
        const { due, next } = this.#dueLook(watched)
        // All looks at it are over: years of ledger are read without being kept.
        if (!due && next === null) return
        this.#list.watch(watched)
        if (live) this.#look(rollbackId)
        return
      }
      case 'RollbackRequested':
        // Opened again: its next end is looked at anew.
        this.#forget(event.data.rollbackId)
        return
      case 'ReconciliationRequested': {
        const { rollbackId, revision, eventId } = event.data
        const watched = this.#list.get(rollbackId)
        if (!watched) return
        const made = looksOf(this.#settings, watched.closedAt).find(
          look => look.probe && eventIds.reconcile(rollbackId, revision, look.name) === eventId,
        )
        if (made) watched.upTo = Math.max(watched.upTo, made.at)
        return
      }
      case 'ReconciliationReported': {
        const { rollbackId, eventId, occurredAt } = event.data
        if (!live && this.options.now() - occurredAt > JUDGED_WITHIN_MS) return
        const told = { eventId, rollbackId, partition, from }
        this.#list.told(told)
        if (live) this.#judge(told)
      }
    }
  }

  #onLive(partition: number): void {
    const { watched, told } = this.#list.of(partition)
    for (const { rollbackId } of watched) this.#look(rollbackId)
    for (const report of told) this.#judge(report)
  }

  #look(rollbackId: string): void {
    const watched = this.#list.get(rollbackId)
    if (!watched) return
    const { due, next } = this.#dueLook(watched)
    if (!due) {
      if (next === null) this.#forget(rollbackId)
      else this.#wakeups.at(rollbackId, next)
      return
    }
    this.#soon(watched, async () => {
      await this.#say(await examine({ ...this.options, contracts: this.options.contracts() }, watched, due))
      watched.upTo = Math.max(watched.upTo, due.at)
      this.#look(rollbackId)
    })
  }

  #judge(told: Told): void {
    this.#soon(told, async () => {
      await this.#say(await examine({ ...this.options, contracts: this.options.contracts() }, told, null))
      this.#list.judged(told)
    })
  }

  async #say(events: readonly LedgerEvent[]): Promise<void> {
    for (const event of events) await this.options.send(event)
  }

  /** After what is under way; again until it worked, or until another process has the partition. */
  #soon(item: Watched | Told, job: () => Promise<void>): void {
    const lane = laneOf(item.rollbackId)
    this.#lanes[lane] = this.#lanes[lane]!.then(async () => {
      if (this.#stopped || !this.#list.holds(item)) return
      try {
        await job()
      } catch (error) {
        const { rollbackId } = item
        this.options.logger.warn(
          { rollbackId, reason: String(error) },
          'an ended rollback could not be looked at; again soon',
        )
        // Behind the others: one that cannot be read must not hold them up.
        this.#timers.after(AGAIN_AFTER_MS, () => this.#soon(item, job))
      }
    })
  }

  #dueLook({ closedAt, upTo }: Watched) {
    return dueLook(looksOf(this.#settings, closedAt), upTo, this.options.now())
  }

  #forget(rollbackId: string): void {
    this.#wakeups.forget(rollbackId)
    this.#list.forget(rollbackId)
  }
}

function laneOf(rollbackId: string): number {
  let sum = 0
  for (let i = 0; i < rollbackId.length; i++) sum = (sum * 31 + rollbackId.charCodeAt(i)) >>> 0
  return sum % AT_ONCE
}
