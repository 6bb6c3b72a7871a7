import { toEscalation } from '../stall/escalation.js'
import type { StallFacts } from '../stall/stall.js'
import { nextDeadline, stalls } from '../stall/stalls.js'
import type {
  Coordination,
  CoordinationCommand,
  CoordinationContext,
  CoordinationDecision,
  Coordinator,
} from './coordination.js'

/**
 * Looks at the clock, not at the systems: facts about them are fetched only when something is overdue (I7).
 * A deadline that was looked at since the last event is not looked at again.
 */
export function watch(
  me: Coordinator,
  state: Coordination,
  { now }: CoordinationContext,
): { state: Coordination; commands: readonly CoordinationCommand[] } {
  if (state.looking) return { state, commands: [] }
  const next = nextDeadline(state.rollback, me.stall, state.lookedUpTo)
  if (next === null) return { state, commands: [] }
  if (next > now) return { state, commands: [{ kind: 'wake', at: next }] }
  if (now < state.quietUntil) return { state, commands: [{ kind: 'wake', at: state.quietUntil }] }
  return { state: { ...state, looking: true }, commands: [{ kind: 'look', systems: systemsOf(state) }] }
}

/** What makes no progress becomes an alarm, once: its ID says what stalls, not who noticed it when. */
export function raiseStalls(
  me: Coordinator,
  state: Coordination,
  facts: StallFacts,
  { contracts }: CoordinationContext,
): CoordinationDecision {
  const { brokerOutageUntil } = facts
  // Silence during an outage says nothing about the systems: look again when it is over.
  if (brokerOutageUntil !== null && facts.now < brokerOutageUntil)
    return { state: { ...state, quietUntil: brokerOutageUntil }, commands: [] }
  const found = stalls(state.rollback, facts, contracts, me.stall)
  const commands = found.map((stall): CoordinationCommand => {
    const data = toEscalation(state.rollback, stall, me.principal, facts.now)
    return { kind: 'emit', event: { type: 'EscalationRaised', data } }
  })
  return { state: { ...state, lookedUpTo: facts.now }, commands }
}

function systemsOf({ rollback }: Coordination): readonly string[] {
  if (rollback.phase === 'proposed') return []
  return [...new Set(rollback.plan.steps.map(step => step.system))].sort()
}
