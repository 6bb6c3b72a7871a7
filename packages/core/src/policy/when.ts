import type { Plan } from '@unwind/contracts'
import { z } from 'zod'
import { matchesAny } from './glob.js'

const globs = z.array(z.string().min(1)).min(1)
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day such as "18:30"')
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

const timeZone = z.string().refine(isTimeZone, 'expected an IANA time zone such as "Europe/Berlin"')

/** To which plans a rule applies. Everything that is named must hold; of a list, one entry that fits is enough. */
export const whenSchema = z.strictObject({
  /** Systems that take part, "*" for any characters. */
  systems: globs.optional(),
  /** Kinds of actions, such as "payment.captured". */
  actions: globs.optional(),
  /** Names under `dataClasses` of the policy. */
  dataClasses: globs.optional(),
  /** Where this coordinator says that it works. */
  environments: globs.optional(),
  incidentClasses: globs.optional(),
  proposers: globs.optional(),
  /** More steps than this. */
  moreSteps: z.int().min(0).optional(),
  /** More actions to undo than this. */
  moreActions: z.int().min(0).optional(),
  /** Whether the plan names actions that cannot be undone. */
  irreversible: z.boolean().optional(),
  /** At these times. A span whose end is before its start goes over midnight, and belongs to the day on which it began. */
  time: z
    .strictObject({
      days: z.array(z.enum(WEEKDAYS)).min(1).optional(),
      from: clock.default('00:00'),
      /** Not included; "00:00" is the end of the day. */
      to: clock.default('00:00'),
      zone: timeZone.default('UTC'),
      /** The rule applies outside of these times instead. */
      outside: z.boolean().default(false),
    })
    .optional(),
})
export type When = z.infer<typeof whenSchema>

/** What a rule looks at. */
export interface Scope {
  readonly proposedBy: string
  readonly incidentClass: string | null
  readonly environment: string
  readonly systems: readonly string[]
  readonly actions: readonly string[]
  readonly dataClasses: readonly string[]
  readonly steps: number
  /** Actions to undo. */
  readonly undone: number
  readonly irreversible: number
  /** Epoch ms. */
  readonly at: number
}

/** @param dataClasses class → patterns of systems, or of "system/action". */
export function scopeOf(
  plan: Plan,
  dataClasses: Readonly<Record<string, readonly string[]>>,
  asked: Pick<Scope, 'proposedBy' | 'incidentClass' | 'environment' | 'at'>,
): Scope {
  const named = [
    ...plan.steps.flatMap(({ system, actions }) => actions.map(({ action }) => ({ system, action }))),
    ...plan.surfaced,
  ]
  const classes = Object.entries(dataClasses).filter(([, patterns]) =>
    named.some(
      ({ system, action }) =>
        matchesAny(patterns, system) !== null || matchesAny(patterns, `${system}/${action}`) !== null,
    ),
  )
  return {
    proposedBy: asked.proposedBy,
    incidentClass: asked.incidentClass,
    environment: asked.environment,
    at: asked.at,
    systems: unique([...plan.steps, ...plan.surfaced].map(one => one.system)),
    actions: unique(named.map(one => one.action)),
    dataClasses: classes.map(([name]) => name),
    steps: plan.steps.length,
    undone: plan.steps.reduce((sum, step) => sum + step.actions.length, 0),
    irreversible: plan.surfaced.filter(one => one.code === 'irreversible').length,
  }
}

export function applies(when: When, scope: Scope): boolean {
  const { moreSteps, moreActions, irreversible, time } = when
  return (
    any(when.systems, scope.systems) &&
    any(when.actions, scope.actions) &&
    any(when.dataClasses, scope.dataClasses) &&
    any(when.environments, [scope.environment]) &&
    any(when.incidentClasses, scope.incidentClass === null ? [] : [scope.incidentClass]) &&
    any(when.proposers, [scope.proposedBy]) &&
    (moreSteps === undefined || scope.steps > moreSteps) &&
    (moreActions === undefined || scope.undone > moreActions) &&
    (irreversible === undefined || scope.irreversible > 0 === irreversible) &&
    (time === undefined || isWithin(time, scope.at) !== time.outside)
  )
}

function any(patterns: readonly string[] | undefined, names: readonly string[]): boolean {
  return patterns === undefined || names.some(name => matchesAny(patterns, name) !== null)
}

function isWithin({ days, from, to, zone }: NonNullable<When['time']>, at: number): boolean {
  const { day, minute } = localTime(at, zone)
  const [start, end] = [minutesOf(from), minutesOf(to) || MINUTES_A_DAY]
  const on = (index: number) => days === undefined || days.includes(WEEKDAYS[(index + 7) % 7]!)
  if (start < end) return on(day) && minute >= start && minute < end
  return (on(day) && minute >= start) || (on(day - 1) && minute < end)
}

const MINUTES_A_DAY = 1_440

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
}

/** @returns weekday, 0 is Monday, and minutes since midnight. */
function localTime(at: number, zone: string): { day: number; minute: number } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  const day = WEEKDAYS.indexOf(part.weekday!.toLowerCase() as Weekday)
  return { day, minute: Number(part.hour) * 60 + Number(part.minute) }
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}
