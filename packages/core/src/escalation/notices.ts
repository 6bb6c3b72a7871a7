import type { Alarm } from './alarm.js'
import type { Ladder } from './ladder.js'
import { afterMaintenance, type MaintenanceWindow } from './maintenance.js'

export type NoticeAction = 'trigger' | 'acknowledge' | 'resolve'

/** One message to one channel about one alarm. */
export interface Notice {
  /** Unique within the alarm, the same in every coordinator: what stands in the ledger under it is never sent again. */
  readonly name: string
  readonly action: NoticeAction
  readonly channel: string
  readonly who: readonly string[]
  /** 1 for the first moment of the ladder. */
  readonly level: number
  /** Epoch ms. */
  readonly dueAt: number
}

export interface NoticeRules {
  readonly windows: readonly MaintenanceWindow[]
  /** Whether a channel can say this at all. */
  takes(channel: string, action: NoticeAction): boolean
  /** Whether the channel finds an alarm by its key, so that the end of one that it never heard of changes nothing. */
  keyed(channel: string): boolean
}

export interface DueNotices {
  /** To be sent now; at most one a channel. */
  readonly due: readonly Notice[]
  /** When the next one will be, epoch ms; null: none without a further event. */
  readonly nextAt: number | null
}

/** The end of an alarm is dated by another machine than its notices. */
const CLOCKS_APART_MS = 2_000

/** What an alarm still has to say. Time passes in; what was said is in the alarm. */
export function dueNotices(alarm: Alarm, ladder: Ladder, rules: NoticeRules, now: number): DueNotices {
  const triggers = climb(alarm, ladder, rules.windows)
  if (alarm.gone !== null)
    return { due: closing(alarm, triggers, 'resolve', alarm.gone.at, rules), nextAt: null }
  if (alarm.acknowledged !== null)
    return { due: closing(alarm, triggers, 'acknowledge', alarm.acknowledged.at, rules), nextAt: null }
  const open = triggers.filter(notice => !alarm.delivered.has(notice.name) && !isOvertaken(alarm, notice))
  const late = open.filter(notice => notice.dueAt <= now)
  const next = open.filter(notice => notice.dueAt > now).map(notice => notice.dueAt)
  return { due: latestOfEach(late), nextAt: next.length === 0 ? null : Math.min(...next) }
}

/** Every moment at which somebody is told, until the alarm is taken or its cause is gone. */
export function climb(
  { raised }: Pick<Alarm, 'raised'>,
  ladder: Ladder,
  windows: readonly MaintenanceWindow[],
): readonly Notice[] {
  const notices: Notice[] = []
  const from = raised.occurredAt
  // The ladder's clock stands still in a window: else the whole ladder would be told at once when it ends.
  let at = afterMaintenance(windows, raised, from)
  let climbed = 0
  let level = 0
  for (const { afterMs, channel, who } of ladder.rungs) {
    if (level === 0 || afterMs > climbed) {
      level++
      at = afterMaintenance(windows, raised, at + (afterMs - climbed))
      climbed = afterMs
    }
    notices.push({
      name: `trigger/${channel}/${afterMs}.0`,
      action: 'trigger',
      channel,
      who,
      level,
      dueAt: at,
    })
  }
  const highest = ladder.rungs.filter(rung => rung.afterMs === climbed)
  for (let n = 1; ladder.repeat !== null && n <= ladder.repeat.times && highest.length > 0; n++) {
    at = afterMaintenance(windows, raised, at + ladder.repeat.everyMs)
    for (const { afterMs, channel, who } of highest)
      notices.push({
        name: `trigger/${channel}/${afterMs}.${n}`,
        action: 'trigger',
        channel,
        who,
        level,
        dueAt: at,
      })
  }
  return notices
}

/**
 * Channels that were told of the alarm are told of its end as well; the others need not know that there was one. A notice is
 * sent before it stands in the ledger, and whoever sent it may have died between: where that does no harm, the end is told as well.
 */
function closing(
  alarm: Alarm,
  triggers: readonly Notice[],
  action: 'acknowledge' | 'resolve',
  dueAt: number,
  rules: NoticeRules,
): readonly Notice[] {
  const told = new Set<string>()
  for (const { channel, action: said, outcome } of alarm.delivered.values())
    if (said === 'trigger' && outcome === 'delivered') told.add(channel)
  // Only the end: that somebody took an alarm is told to whoever is known to have it.
  for (const notice of action === 'resolve' ? triggers : [])
    if (rules.keyed(notice.channel) && mayHaveBeenSent(alarm, notice, dueAt)) told.add(notice.channel)
  const notices: Notice[] = []
  for (const channel of told) {
    const name = closingName(alarm, action, channel)
    if (!rules.takes(channel, action) || alarm.delivered.has(name)) continue
    const who = triggers.filter(notice => notice.channel === channel).flatMap(notice => notice.who)
    notices.push({ name, action, channel, who: [...new Set(who)], level: 0, dueAt })
  }
  return notices
}

/** What a stopped coordinator sent after another one had told of the end is ended again, after it stands in the ledger (I7). */
function closingName({ late }: Alarm, action: 'acknowledge' | 'resolve', channel: string): string {
  const times = action === 'resolve' ? (late.get(channel) ?? 0) : 0
  return times === 0 ? `${action}/${channel}` : `${action}/${channel}/${times}`
}

function mayHaveBeenSent(alarm: Alarm, notice: Notice, end: number): boolean {
  return (
    notice.dueAt <= end + CLOCKS_APART_MS && !alarm.delivered.has(notice.name) && !isOvertaken(alarm, notice)
  )
}

/** The channel was told of a later moment already: after an outage one message says it all. */
function isOvertaken(alarm: Alarm, notice: Notice): boolean {
  for (const { action, channel, dueAt } of alarm.delivered.values())
    if (action === 'trigger' && channel === notice.channel && dueAt >= notice.dueAt) return true
  return false
}

function latestOfEach(notices: readonly Notice[]): readonly Notice[] {
  const latest = new Map<string, Notice>()
  for (const notice of notices) {
    const known = latest.get(notice.channel)
    if (!known || notice.dueAt >= known.dueAt) latest.set(notice.channel, notice)
  }
  return [...latest.values()]
}
