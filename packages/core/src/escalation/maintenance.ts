import { matchesAny } from '../policy/glob.js'
import type { AlarmSeverity, AlarmSource } from './ladder.js'

/** A time in which alarms wait: people know already, and are at work. */
export interface MaintenanceWindow {
  /** Names with "*" for any characters; only "*" fits what concerns a rollback as a whole. */
  readonly systems: readonly string[]
  readonly severities: readonly AlarmSeverity[]
  readonly when: /** Epoch ms, the end not included. */
    | { readonly kind: 'once'; readonly from: number; readonly to: number }
    /** In UTC. An end that is not after the beginning is on the next day. */
    | {
        readonly kind: 'weekly'
        /** 0: Sunday. Days on which it begins. */
        readonly days: readonly number[]
        /** Milliseconds of the day. */
        readonly from: number
        readonly to: number
      }
}

const DAY_MS = 86_400_000
/** Windows that follow on each other without a gap: so many at most, then it is said in any case. */
const MOST_IN_A_ROW = 7

/** The first moment from `at` on that no window of this alarm covers, epoch ms. */
export function afterMaintenance(
  windows: readonly MaintenanceWindow[],
  alarm: AlarmSource,
  at: number,
): number {
  const own = windows.filter(window => concerns(window, alarm))
  let free = at
  for (let i = 0; i < MOST_IN_A_ROW; i++) {
    const end = Math.max(...own.map(window => endAt(window, free)), free)
    if (end === free) return free
    free = end
  }
  return free
}

function concerns(window: MaintenanceWindow, { system, severity }: AlarmSource): boolean {
  return (
    matchesAny(window.systems, system ?? '') !== null &&
    window.severities.includes(severity === 'warning' ? 'warning' : 'critical')
  )
}

/** When the window that covers `at` ends; `at` itself where none does. */
function endAt({ when }: MaintenanceWindow, at: number): number {
  if (when.kind === 'once') return at >= when.from && at < when.to ? when.to : at
  const midnight = at - (at % DAY_MS)
  const length = when.to > when.from ? when.to - when.from : when.to - when.from + DAY_MS
  let end = at
  // One that began yesterday may still be open.
  for (const day of [midnight - DAY_MS, midnight]) {
    const begins = day + when.from
    if (!when.days.includes(new Date(day).getUTCDay())) continue
    if (at >= begins && at < begins + length) end = Math.max(end, begins + length)
  }
  return end
}
