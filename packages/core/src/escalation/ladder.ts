import type { EscalationRaised } from '@unwind/contracts'
import type { ContractLookup } from '../planning/input.js'
import { matchesAny } from '../policy/glob.js'

export type AlarmSeverity = 'warning' | 'critical'

/** One channel that is told when an alarm has been open for a while. */
export interface Rung {
  /** After the alarm was raised, milliseconds. */
  readonly afterMs: number
  /** By its name in the coordinator's configuration. */
  readonly channel: string
  /** Whom it is for. */
  readonly who: readonly string[]
}

/** Whom an alarm climbs to, in the order of their moments. */
export interface Ladder {
  readonly rungs: readonly Rung[]
  /** How the highest rungs are told again, until somebody acknowledges. Null: they are not. */
  readonly repeat: { readonly everyMs: number; readonly times: number } | null
}

/** The coordinator's ladder for some systems and severities. */
export interface LadderRule extends Ladder {
  /** Names with "*" for any characters. What concerns a rollback as a whole has no system: only "*" fits. */
  readonly systems: readonly string[]
  readonly severities: readonly AlarmSeverity[]
}

/** In the place of a person: whoever owns the system by its contract. */
export const OWNER = 'owner'

export type AlarmSource = Pick<EscalationRaised, 'system' | 'severity' | 'owner'>

/**
 * The ladder of an alarm: the first rule that fits, and whoever the system's contract names besides. A contract adds people;
 * it cannot take away those whom the coordinator's operators chose (I7).
 * @param channels that there are: a contract may name one that this coordinator does not have.
 */
export function ladderOf(
  rules: readonly LadderRule[],
  alarm: AlarmSource,
  contracts: ContractLookup,
  channels: ReadonlySet<string>,
): Ladder {
  const rule = rules.find(
    each =>
      matchesAny(each.systems, alarm.system ?? '') !== null &&
      each.severities.includes(alarm.severity === 'warning' ? 'warning' : 'critical'),
  )
  const contract = alarm.system === null ? undefined : contracts.get(alarm.system)?.contract
  const onCall = (contract?.owner.onCall ?? [])
    .filter(person => channels.has(person.channel))
    .map((person): Rung => ({ afterMs: person.after, channel: person.channel, who: [person.who] }))
  const all = [...(rule?.rungs ?? []), ...onCall]
  return { rungs: merged(all.map(rung => named(rung, alarm))), repeat: rule?.repeat ?? null }
}

function named(rung: Rung, alarm: AlarmSource): Rung {
  const who = rung.who.flatMap(each => (each === OWNER ? (alarm.owner ?? []) : each))
  return { ...rung, who }
}

/** One message a channel and moment, however many people stand behind it. */
function merged(rungs: readonly Rung[]): readonly Rung[] {
  const byPlace = new Map<string, Rung>()
  for (const rung of rungs) {
    const place = `${rung.afterMs} ${rung.channel}`
    const known = byPlace.get(place)
    byPlace.set(place, { ...rung, who: [...new Set([...(known?.who ?? []), ...rung.who])] })
  }
  return [...byPlace.values()].sort((a, b) => a.afterMs - b.afterMs)
}
