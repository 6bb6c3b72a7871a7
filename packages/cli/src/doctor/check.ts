import type { EventLog, LogAdmin } from '@unwind/runtime'
import type { Io } from '../shell/io.js'
import type { Settings } from '../shell/settings.js'

export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  /** What was found. */
  readonly detail: string
  /** What to do; null when nothing is to be done. */
  readonly todo: string | null
}

export interface CheckContext {
  readonly io: Io
  readonly settings: Settings
  /** Null: nobody said where Kafka is. */
  readonly log: EventLog | null
  readonly admin: LogAdmin | null
}

/** Looks, changes nothing, and never throws: what goes wrong is a finding. */
export type Check = (context: CheckContext) => Promise<readonly Finding[]>

/** How long one check may take before it counts as failed, milliseconds. */
export const CHECK_WITHIN_MS = 6_000

export const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail, todo: null })
export const warn = (check: string, detail: string, todo: string): Finding => ({
  check,
  state: 'warn',
  detail,
  todo,
})
export const fail = (check: string, detail: string, todo: string): Finding => ({
  check,
  state: 'fail',
  detail,
  todo,
})

/** @throws Error after `CHECK_WITHIN_MS`. */
export async function within<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${CHECK_WITHIN_MS / 1_000} s`)),
      CHECK_WITHIN_MS,
    )
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Clocks of two machines may differ by so much before deadlines and time-outs of people look wrong, milliseconds. */
const SKEW_WARN_MS = 2_000

/** @param theirs a server's clock, epoch ms, read between `before` and `after` of ours. */
export function clockFinding(check: string, theirs: number, before: number, after: number): Finding {
  const skew = Math.round(theirs - (before + after) / 2)
  // The reading is only as exact as the exchange took long; whole seconds when the server says no more.
  const detail = `its clock and ours differ by ${Math.abs(skew)} ms`
  if (Math.abs(skew) <= SKEW_WARN_MS + (after - before)) return ok(check, detail)
  return warn(
    check,
    detail,
    'Let both machines take their time from the same source (NTP); no order depends on clocks, but deadlines do.',
  )
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message
  const cause = error.cause
  return error.message || (cause instanceof Error ? cause.message : error.name)
}
