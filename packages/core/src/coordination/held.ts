import { eventIds } from '@unwind/contracts'
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
  const { rollbackId, phase } = before.rollback
  const state = { ...without(before, eventIds.requested(rollbackId, 1)), held: true }
  // Somebody else has requested it meanwhile.
  if (phase !== 'proposed' && phase !== 'awaiting-approval') return { state: before, commands: [] }
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
    eventId: eventIds.waitsForClaim(rollbackId, by.rollbackId),
    author: me.principal,
    text: `waits: ${text}; it goes on by itself when that one has ended`,
  }
  return { state, commands: [{ kind: 'emit', event: { type: 'NoteAdded', data } }] }
}
