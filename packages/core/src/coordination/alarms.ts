import { eventIds, type LedgerEvent } from '@unwind/contracts'
import { UNTIL_TAKEN } from '../escalation/gone.js'
import { toEscalation } from '../stall/escalation.js'
import type { Stall } from '../stall/stall.js'
import type { Coordination, Coordinator } from './coordination.js'

/** An alarm that concerns the rollback as a whole. */
export interface Alarm extends Pick<Stall, 'subject' | 'severity' | 'message' | 'hint'> {
  readonly kind: Stall['kind'] | 'unauthorised' | 'break-glass'
  readonly dueAt: number
}

export function raise(
  me: Coordinator,
  state: Pick<Coordination, 'rollback'>,
  alarm: Alarm,
  now: number,
): LedgerEvent {
  const stall = { ...alarm, round: 0, stepId: null, system: null, owner: null, blockedBy: [] }
  const { rollbackId, correlationId } = state.rollback
  // The ledger knows more kinds than the stalls: a record that somebody had no right to write is no delay, and an end changes nothing
  // about it: it is told once.
  const about = UNTIL_TAKEN.has(alarm.kind) ? { rollbackId, correlationId } : state.rollback
  return { type: 'EscalationRaised', data: toEscalation(about, stall as Stall, me.principal, now) }
}

/** What it needs to know cannot be read for now. The same subject as the stall of a proposal that nobody plans: one alarm, with the reason. */
export function unreadable(
  me: Coordinator,
  state: Pick<Coordination, 'rollback'>,
  { message, hint }: { readonly message: string; readonly hint: string },
  now: number,
): LedgerEvent {
  const { rollbackId } = state.rollback
  const alarm = { kind: 'stuck', subject: 'plan', severity: 'critical', dueAt: now, hint } as const
  return raise(me, state, { ...alarm, message: `rollback ${rollbackId}: ${message}` }, now)
}

/** Everything said under this rollback's name that was not taken: wrong signatures, and what the fold would not have. */
export function surfaced(me: Coordinator, state: Coordination, now: number): readonly LedgerEvent[] {
  const { rollback } = state
  const at = `rollback ${rollback.rollbackId}`
  const hint = "look who wrote it (unwind tail shows the emitter), and check that signer's key and roles"
  const foreign = [...state.refused].map(([claimed, message]) =>
    raise(
      me,
      state,
      // One alarm a kind of event, whatever the number: a flood of forgeries must not become a flood of alarms.
      {
        kind: 'unauthorised',
        subject: claimed,
        severity: 'critical',
        dueAt: now,
        message: `${at}: ${message}`,
        hint,
      },
      now,
    ),
  )
  const misfits = rollback.refusals.map(({ eventId, code, message }) =>
    raise(
      me,
      state,
      {
        kind: 'unauthorised',
        subject: eventId,
        severity: code === 'unauthorised' ? 'critical' : 'warning',
        dueAt: now,
        message: `${at}: ${eventId} was not taken (${code}): ${message}`,
        hint:
          code === 'unauthorised' ? hint : 'look at where the rollback stands, then ask again with what fits',
      },
      now,
    ),
  )
  return [...foreign, ...misfits]
}

/** Something was said under its name that was not taken, and the ledger has no alarm about it yet. */
export function owesAlarm({ rollback, refused }: Coordination): boolean {
  const isTold = (subject: string) =>
    rollback.seen.has(eventIds.escalation(rollback.rollbackId, 'unauthorised', subject, 0))
  return ![...refused.keys(), ...rollback.refusals.map(({ eventId }) => eventId)].every(isTold)
}
