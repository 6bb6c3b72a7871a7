import { eventIds, type LedgerEvent } from '@unwind/contracts'
import {
  type Alarm,
  acknowledgers,
  alarmsIn,
  beginAlarms,
  briefing,
  dueNotices,
  foldAlarms,
  hasEnded,
  ladderOf,
  type Notice,
  type NoticeRules,
} from '@unwind/core'
import { type Followed, pause, systemTimers, type Timers } from '@unwind/runtime'
import { Orphans } from '../ledger/orphans.js'
import { Wakeups } from '../ledger/wakeups.js'
import type { Channel, Message } from './channels/channel.js'
import { dedupKeyOf, deliveredEvent, type Said } from './delivered.js'
import type { DeskOptions, Origin } from './desk-options.js'
import { type Entry, flight, isBeingTold, keyOf } from './entry.js'
import { ChannelQueue } from './queue.js'

const AGAIN_AFTER_MS = 1_000
/** How often it is looked whether the group counts this coordinator in. */
const SURE_AGAIN_MS = 200
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
  readonly #orphans: Orphans
  readonly #rules: NoticeRules
  readonly #noting = new Set<Promise<void>>()
  #stopped = false

  constructor(private readonly options: DeskOptions) {
    const { timers = systemTimers, channels, logger, maintenance, historyOf } = options
    const failpoint = options.failpoint ?? (async () => undefined)
    this.#timers = timers
    this.#channels = new Map(channels.map(channel => [channel.name, channel]))
    this.#queues = new Map(
      channels.map(channel => [channel.name, new ChannelQueue({ channel, timers, logger, failpoint })]),
    )
    this.#rules = {
      windows: maintenance,
      takes: (channel, action) => this.#channels.get(channel)?.takes(action) ?? false,
      keyed: channel => this.#channels.get(channel)?.keyed ?? false,
    }
    this.#orphans = new Orphans({
      historyOf,
      logger,
      timers,
      adopt: ({ rollbackId, partition, from }, history) => {
        const alarms = alarmsIn(
          rollbackId,
          history.map(({ event }) => event),
        )
        const key = keyOf(partition, rollbackId)
        if (alarms !== null && !this.#entries.has(key))
          this.#settle(this.#hold({ key, partition, readFrom: from, alarms, flying: new Map() }))
      },
    })
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
    const key = keyOf(partition, event.data.rollbackId)
    const entry = this.#entries.get(key) ?? this.#begin(key, partition, event, origin)
    if (!entry) {
      this.#afterTheEnd(followed, event)
      return
    }
    entry.alarms = foldAlarms(entry.alarms, event)
    if (event.type === 'EscalationDelivered')
      entry.flying.delete(flight(event.data.escalationId, event.data.notice))
    if (followed.live) this.#settle(entry)
  }

  onLive(partition: number): void {
    for (const entry of [...this.#entries.values()]) if (entry.partition === partition) this.#settle(entry)
    this.#orphans.onLive(partition)
  }

  onReleased(partition: number): void {
    for (const entry of [...this.#entries.values()]) if (entry.partition === partition) this.#forget(entry)
    this.#orphans.onReleased(partition)
  }

  oldestNeeded(partition: number): bigint | null {
    let oldest = this.#orphans.oldest(partition)
    for (const entry of this.#entries.values())
      if (entry.partition === partition && (oldest === null || entry.readFrom < oldest))
        oldest = entry.readFrom
    return oldest
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wakeups.stop()
    this.#orphans.stop()
    const queues = [...this.#queues.values()]
    const said = Promise.all(queues.map(queue => queue.drain())).then(() => Promise.all(this.#noting))
    await Promise.race([said, pause(this.#timers, STOP_WITHIN_MS)])
    await Promise.all(queues.map(queue => queue.stop()))
    this.#entries.clear()
  }

  #begin(key: string, partition: number, event: LedgerEvent, origin: () => Origin | undefined) {
    if (event.type !== 'EscalationRaised') return undefined
    const known = origin()
    if (!known) return undefined
    const { rollback, readFrom } = known
    return this.#hold({ key, partition, readFrom, alarms: beginAlarms(rollback), flying: new Map() })
  }

  #hold(entry: Entry): Entry {
    this.#entries.set(entry.key, entry)
    return entry
  }

  /**
   * All was said, and more came: an alarm that was raised beside the end and outlives it, or the word of a coordinator that was
   * stopped while it sent: whom it told thinks that the alarm is open.
   */
  #afterTheEnd({ position, live }: Followed, event: LedgerEvent): void {
    const { rollbackId, correlationId } = event.data
    const begins = event.type === 'EscalationRaised' || event.type === 'EscalationDelivered'
    if (!begins && !this.#orphans.holds(rollbackId)) return
    this.#orphans.add(
      { rollbackId, correlationId, partition: position.partition, from: position.offset, event },
      live,
    )
  }

  #forget(entry: Entry): void {
    this.#wakeups.forget(entry.key)
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key)
  }

  /** Sends what is due, asks to be woken for what will be, and lets go of what has said everything. */
  #settle(entry: Entry): void {
    if (!this.#holds(entry) || !this.options.isLive(entry.partition)) return
    // After it was stopped, what it knows may be old and its partitions another's: first the group has to count it in again.
    if (!this.options.isOurs(entry.partition)) {
      this.#wakeups.at(entry.key, this.options.now() + SURE_AGAIN_MS)
      return
    }
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
    if (notice.action === 'resolve' && isBeingTold(entry, escalationId, notice.channel)) return
    entry.flying.set(key, { escalationId, notice })
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
    if (!alarm || !this.#holds(entry) || !this.options.isOurs(entry.partition)) return null
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
