import { claimWait, eventIds } from '@unwind/contracts'
import type { ClaimWait } from '../unwind/state.js'
import { common, denial } from './authority.js'
import type {
  Coordination,
  CoordinationContext,
  CoordinationDecision,
  CoordinationInput,
  Coordinator,
} from './coordination.js'
import { without } from './fold.js'

/** Another rollback is in the way: this one waits in sight of everybody, or is refused, as the policy says. */
export function held(
  me: Coordinator,
  before: Coordination,
  { by, planHash }: Extract<CoordinationInput, { kind: 'held' }>,
  { now }: CoordinationContext,
): CoordinationDecision {
  const { rollback } = before
  const { rollbackId } = rollback
  const state = { ...without(before, eventIds.requested(rollbackId, 1)), held: true }
  // Somebody else has requested it meanwhile.
  if (rollback.phase !== 'proposed' && rollback.phase !== 'awaiting-approval')
    return { state: before, commands: [] }
  if (by === null) return { state, commands: [] }
  const causationId = eventIds.proposed(rollbackId)
  const text = `rollback ${by.rollbackId} came first and holds ${by.on}`
  if (me.policy.claims.overlap === 'refuse') {
    const reason = `${text}; propose again when it has ended`
    return { state, commands: [denial(me, state, 1, planHash, reason, causationId, now)] }
  }
  const data = {
    ...common(me, state, now),
    causationId,
    eventId: eventIds.waitsForClaim(
      rollbackId,
      by.rollbackId,
      turnOf(before, rollback.waitsFor, by.rollbackId),
    ),
    author: me.principal,
    text: `waits: ${text}; it goes on by itself when that one has ended`,
  }
  return { state, commands: [{ kind: 'emit', event: { type: 'NoteAdded', data } }] }
}

/**
 * While the same one is in the way it is the same turn, however often it is asked. What was said and not read back yet counts as well:
 * one send may change the order of its records.
 */
function turnOf({ sent, rollback }: Coordination, read: ClaimWait | undefined, holder: string): number {
  let last: Pick<ClaimWait, 'holder' | 'turn'> | null = read ?? null
  for (const eventId of sent) {
    const said = claimWait(eventId, rollback.rollbackId)
    if (said && said.turn >= (last?.turn ?? 0)) last = said
  }
  if (last === null) return 1
  return last.holder === holder ? last.turn : last.turn + 1
}
