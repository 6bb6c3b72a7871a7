import type { LedgerEvent } from '@unwind/contracts'
import { dedupKeyOf } from '@unwind/coordinator'
import { alarmsIn } from '@unwind/core'
import type { Incidents } from './incidents.js'

/** An alarm as the ledger has it at the end of a run. */
export interface LedgerAlarm {
  readonly escalationId: string
  readonly key: string
  /** From when it was raised until its cause was gone, by the clocks of those who said so, ms; null: it stands until a person says otherwise. */
  readonly stoodMs: number | null
  /** Channels that took it, as the ledger says. */
  readonly noted: readonly string[]
}

/** Every alarm that the ledger tells of. */
export function alarmsOf(ledger: ReadonlyMap<string, readonly LedgerEvent[]>): readonly LedgerAlarm[] {
  return [...ledger].flatMap(([rollbackId, events]) =>
    [...(alarmsIn(rollbackId, events)?.alarms.values() ?? [])].map(({ raised, gone, delivered }) => ({
      escalationId: raised.escalationId,
      key: dedupKeyOf(raised.escalationId),
      stoodMs: gone === null ? null : gone.at - raised.occurredAt,
      noted: [...delivered.values()]
        .filter(({ action, outcome }) => action === 'trigger' && outcome === 'delivered')
        .map(({ channel }) => channel),
    })),
  )
}

export interface EscalationVerdict {
  /** Stood long enough to be told, and was not; or the ledger says that it was told, and it was not. */
  readonly lost: readonly string[]
  /** Opened a second incident under its key. */
  readonly twice: readonly string[]
  /** Open although its cause is gone. */
  readonly left: readonly string[]
  /** The channel was told of what the ledger does not know. */
  readonly invented: readonly string[]
}

/** @param longMs an alarm that stood so long had to be told, whoever was dead or stopped meanwhile. */
export function judgeEscalations(
  alarms: readonly LedgerAlarm[],
  channel: string,
  incidents: Pick<Incidents, 'open' | 'opened'>,
  longMs: number,
): EscalationVerdict {
  const { opened } = incidents
  const keys = new Map(alarms.map(alarm => [alarm.key, alarm]))
  const isLost = ({ key, stoodMs, noted }: LedgerAlarm) =>
    !opened.has(key) && (noted.includes(channel) || stoodMs === null || stoodMs > longMs)
  return {
    lost: alarms.filter(isLost).map(({ escalationId }) => escalationId),
    twice: [...opened].filter(([, times]) => times > 1).map(([key, times]) => `${key}: ${times} incidents`),
    left: incidents.open.filter(key => keys.get(key)?.stoodMs !== null),
    invented: [...opened.keys()].filter(key => !keys.has(key)),
  }
}
