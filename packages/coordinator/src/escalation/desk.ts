import { eventIds, type LedgerEvent } from '@unwind/contracts'
import {
  type Alarm,
  type Alarms,
  acknowledgers,
  beginAlarms,
  briefing,
  type ContractLookup,
  dueNotices,
  foldAlarms,
  hasEnded,
  ladderOf,
  type Notice,
  type NoticeRules,
  type Policy,
  type RollbackState,
} from '@unwind/core'
import { type Followed, pause, systemTimers, type Timers } from '@unwind/runtime'
import { Wakeups } from '../ledger/wakeups.js'
import type { Channel, Message } from './channels/channel.js'
import { dedupKeyOf, deliveredEvent, type Said } from './delivered.js'
import type { EscalationOptions } from './options.js'
import { ChannelQueue } from './queue.js'

export interface DeskOptions extends EscalationOptions {
  /** Emitter of what was delivered. */
  readonly principal: string
  readonly policy: () => Policy
  contracts(): ContractLookup
  isLive(partition: number): boolean
  send(event: LedgerEvent): Promise<unknown>
  delivered(channel: string, outcome: string): void
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** Epoch ms. */
  now(): number
  /** Default: the system's. */
  readonly timers?: Timers
}

/** What is known of a rollback when its first alarm is raised. */
export interface Origin {
  readonly rollback: RollbackState
  /** A restart must read from here. */
  readonly readFrom: bigint
}

interface Entry {
  readonly key: string
  readonly partition: number
  readonly readFrom: bigint
  alarms: Alarms
  /** Notices on their way: sent, or waiting for their channel, and not read back from the ledger. */
  readonly flying: Set<string>
}

const AGAIN_AFTER_MS = 1_000
/** What is on its way at the end gets its answer noted; what takes longer the next coordinator sends again. */
const STOP_WITHIN_MS = 3_000

/**
 * Tells people of alarms. It keeps nothing of its own: what was delivered stands in the ledger, so that a restarted or a second
 * coordinator goes on where this one stopped (I7). Holds the rollbacks that have alarms until all is said, also after their end.
 */
export class EscalationDesk {
  readonly #entries = new Map<string, Entry>()
  readonly #queues: ReadonlyMap<string, ChannelQueue>
  readonly #channels: ReadonlyMap<string, Channel>
  readonly #wakeups: Wakeups<string>
  readonly #timers: Timers
  readonly #rules: NoticeRules
  readonly #noting = new Set<Promise<void>>()
  #stopped = false

  constructor(private readonly options: DeskOptions) {
    const { timers = systemTimers, channels, logger, maintenance } = options
    this.#timers = timers
    this.#channels = new Map(channels.map(channel => [channel.name, channel]))
    this.#queues = new Map(
      channels.map(channel => [channel.name, new ChannelQueue({ channel, timers, logger })]),
    )
    this.#rules = {
      windows: maintenance,
      takes: (channel, action) => this.#channels.get(channel)?.takes(action) ?? false,
    }
    const wake = (key: string) => {
      const entry = this.#entries.get(key)
      if (entry) this.#settle(entry)
    }
    this.#wakeups = new Wakeups(options.now, wake, timers)
  }

  get open(): number {
    return this.#entries.size
  }

  /** @param origin of a rollback that the loop holds; looked at only for its first alarm. */
  onEvent(followed: Followed, origin: () => Origin | undefined): void {
    const event = followed.event as LedgerEvent
    const { partition } = followed.position
    const key = `${partition} ${event.data.rollbackId}`
    const entry = this.#entries.get(key) ?? this.#begin(key, partition, event, origin)
    if (!entry) return
    entry.alarms = foldAlarms(entry.alarms, event)
    if (event.type === 'EscalationDelivered')
      entry.flying.delete(flight(event.data.escalationId, event.data.notice))
    if (followed.live) this.#settle(entry)
  }

  onLive(partition: number): void {
    for (const entry of [...this.#entries.values()]) if (entry.partition === partition) this.#settle(entry)
  }

  onReleased(partition: number): void {
    for (const entry of [...this.#entries.values()]) if (entry.partition === partition) this.#forget(entry)
  }

  oldestNeeded(partition: number): bigint | null {
    let oldest: bigint | null = null
    for (const entry of this.#entries.values())
      if (entry.partition === partition && (oldest === null || entry.readFrom < oldest))
        oldest = entry.readFrom
    return oldest
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wakeups.stop()
    const queues = [...this.#queues.values()]
    const said = Promise.all(queues.map(queue => queue.drain())).then(() => Promise.all(this.#noting))
    await Promise.race([said, pause(this.#timers, STOP_WITHIN_MS)])
    await Promise.all(queues.map(queue => queue.stop()))
    this.#entries.clear()
  }

  #begin(key: string, partition: number, event: LedgerEvent, origin: () => Origin | undefined) {
    if (event.type !== 'EscalationRaised') return undefined
    const known = origin()
    // Raised beside the end of its rollback: there is nothing left to be alarmed about.
    if (!known) return undefined
    const { rollback, readFrom } = known
    const entry: Entry = { key, partition, readFrom, alarms: beginAlarms(rollback), flying: new Set() }
    this.#entries.set(key, entry)
    return entry
  }

  #forget(entry: Entry): void {
    this.#wakeups.forget(entry.key)
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key)
  }

  /** Sends what is due, asks to be woken for what will be, and lets go of what has said everything. */
  #settle(entry: Entry): void {
    if (!this.#holds(entry) || !this.options.isLive(entry.partition)) return
    let next: number | null = null
    for (const alarm of entry.alarms.alarms.values()) {
      const { due, nextAt } = this.#due(alarm)
      for (const notice of due) this.#launch(entry, alarm.raised.escalationId, notice)
      if (nextAt !== null && (next === null || nextAt < next)) next = nextAt
    }
    if (next !== null) this.#wakeups.at(entry.key, next)
    else if (entry.flying.size === 0 && hasEnded(entry.alarms)) this.#forget(entry)
  }

  #due(alarm: Alarm) {
    const { ladders, contracts, now } = this.options
    const ladder = ladderOf(ladders, alarm.raised, contracts(), new Set(this.#channels.keys()))
    return dueNotices(alarm, ladder, this.#rules, now())
  }

  #launch(entry: Entry, escalationId: string, notice: Notice): void {
    const key = flight(escalationId, notice.name)
    const queue = this.#queues.get(notice.channel)
    if (entry.flying.has(key) || !queue) return
    entry.flying.add(key)
    queue.push({
      message: () => this.#message(entry, escalationId, notice),
      settled: (outcome, attempts, detail) => {
        const noted = this.#record(entry, escalationId, notice, { outcome, attempts, detail })
        this.#noting.add(noted)
        void noted.finally(() => this.#noting.delete(noted))
      },
      dropped: () => {
        entry.flying.delete(key)
        this.#settle(entry)
      },
    })
  }

  /** As things stand at this moment: between being due and being sent, a channel may have been down for hours. */
  #message(entry: Entry, escalationId: string, notice: Notice): Message | null {
    const alarm = entry.alarms.alarms.get(escalationId)
    if (!alarm || !this.#holds(entry) || !this.options.isLive(entry.partition)) return null
    if (!this.#due(alarm).due.some(each => each.name === notice.name)) return null
    const { policy, link } = this.options
    const context = { acknowledgers: acknowledgers(policy()), link }
    return {
      ...briefing(entry.alarms, alarm, notice, context),
      messageId: eventIds.escalationDelivered(escalationId, notice.name),
      dedupKey: dedupKeyOf(escalationId),
    }
  }

  /** Until it stands in the ledger, whoever comes next would send it again. */
  async #record(entry: Entry, escalationId: string, notice: Notice, said: Said): Promise<void> {
    const { principal, now, logger } = this.options
    const { rollbackId, correlationId } = entry.alarms.rollback
    const { channel } = notice
    this.options.delivered(channel, said.outcome)
    if (said.outcome === 'refused')
      logger.error({ rollbackId, channel, reason: said.detail }, 'a channel refused an alarm for good')
    const about = { rollbackId, correlationId, escalationId, emitter: principal, occurredAt: now() }
    const event = deliveredEvent(about, notice, said)
    for (;;) {
      try {
        await this.options.send(event)
        return
      } catch (error) {
        if (this.#stopped) return
        logger.warn({ rollbackId, reason: String(error) }, 'a delivery could not be noted; again soon')
        await pause(this.#timers, AGAIN_AFTER_MS)
      }
    }
  }

  #holds(entry: Entry): boolean {
    return !this.#stopped && this.#entries.get(entry.key) === entry
  }
}

function flight(escalationId: string, notice: string): string {
  return `${escalationId} ${notice}`
}
