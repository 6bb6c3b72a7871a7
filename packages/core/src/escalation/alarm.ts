import type { EscalationDelivered, EscalationRaised, LedgerEvent } from '@unwind/contracts'
import { evolve } from '../unwind/evolve.js'
import type { RollbackState } from '../unwind/state.js'
import { whyGone } from './gone.js'

/** One alarm as the ledger tells of it. */
export interface Alarm {
  readonly raised: EscalationRaised
  readonly acknowledged: { readonly by: string; readonly reason: string; readonly at: number } | null
  /** Its cause is gone; once it is, it stays so: the same trouble in a later round is another alarm. */
  readonly gone: { readonly why: string; readonly at: number } | null
  /** By the name of the notice. */
  readonly delivered: ReadonlyMap<
    string,
    Pick<EscalationDelivered, 'action' | 'channel' | 'outcome' | 'dueAt'>
  >
  /** How often a channel was told of it, as the ledger learned after its cause was gone: each may have opened it there again. */
  readonly late: ReadonlyMap<string, number>
}

/** The alarms of one rollback, and the rollback, which says what has become of their causes. */
export interface Alarms {
  readonly rollback: RollbackState
  readonly alarms: ReadonlyMap<string, Alarm>
}

/** @param rollback as it stands when its first alarm is raised. */
export function beginAlarms(rollback: RollbackState): Alarms {
  return { rollback, alarms: new Map() }
}

/** Folds one ledger event of the rollback. Pure; the same in every coordinator. @returns the same object when nothing changed. */
export function foldAlarms(before: Alarms, event: LedgerEvent): Alarms {
  // The event with which the fold begins is in the rollback already, and must still be taken here.
  const rollback = evolve(before.rollback, event) ?? before.rollback
  const told = tell(before.alarms, event)
  if (rollback === before.rollback && told === before.alarms) return before
  return { rollback, alarms: settle(told, rollback, event.data.occurredAt) }
}

/** Nothing more can come of the rollback by itself. */
export function hasEnded({ rollback }: Alarms): boolean {
  if (rollback.phase === 'closed') return rollback.unplanned.size === 0
  return rollback.phase === 'denied' || (rollback.phase === 'proposed' && rollback.refused !== undefined)
}

/** The alarms of one rollback from everything that the ledger says of it. Null: it never had one. */
export function alarmsIn(rollbackId: string, events: readonly LedgerEvent[]): Alarms | null {
  let rollback: RollbackState | null = null
  let alarms: Alarms | null = null
  for (const event of events) {
    if (event.data.rollbackId !== rollbackId) continue
    if (alarms === null) rollback = evolve(rollback, event)
    if (alarms === null && event.type === 'EscalationRaised' && rollback !== null)
      alarms = beginAlarms(rollback)
    if (alarms !== null) alarms = foldAlarms(alarms, event)
  }
  return alarms
}

function tell(alarms: Alarms['alarms'], event: LedgerEvent): Alarms['alarms'] {
  switch (event.type) {
    case 'EscalationRaised': {
      const { escalationId } = event.data
      if (alarms.has(escalationId)) return alarms
      const alarm = {
        raised: event.data,
        acknowledged: null,
        gone: null,
        delivered: new Map(),
        late: new Map(),
      }
      return new Map(alarms).set(escalationId, alarm)
    }
    case 'EscalationAcknowledged': {
      const { escalationId, actor: by, reason, occurredAt: at } = event.data
      const known = alarms.get(escalationId)
      if (!known || known.acknowledged !== null) return alarms
      return new Map(alarms).set(escalationId, { ...known, acknowledged: { by, reason, at } })
    }
    case 'EscalationDelivered': {
      const { escalationId, notice, action, channel, outcome, dueAt } = event.data
      const known = alarms.get(escalationId)
      if (!known) return alarms
      const isLate = known.gone !== null && action === 'trigger' && outcome === 'delivered'
      const first = known.delivered.get(notice)
      // Refused to one coordinator and taken from another: the channel knows of it.
      const isNew = first === undefined || (first.outcome === 'refused' && outcome === 'delivered')
      if (!isNew && !isLate) return alarms
      const delivered = isNew
        ? new Map(known.delivered).set(notice, { action, channel, outcome, dueAt })
        : known.delivered
      const late = isLate ? new Map(known.late).set(channel, (known.late.get(channel) ?? 0) + 1) : known.late
      return new Map(alarms).set(escalationId, { ...known, delivered, late })
    }
    default:
      return alarms
  }
}

function settle(alarms: Alarms['alarms'], rollback: RollbackState, at: number): Alarms['alarms'] {
  let next: Map<string, Alarm> | null = null
  for (const [id, alarm] of alarms) {
    if (alarm.gone !== null) continue
    const why = whyGone(alarm.raised, rollback)
    if (why === null) continue
    next ??= new Map(alarms)
    next.set(id, { ...alarm, gone: { why, at } })
  }
  return next ?? alarms
}
