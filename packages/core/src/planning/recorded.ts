import type { EventOf, Recorded } from '@unwind/contracts'
import type { RecordedAction } from './input.js'

/** Above every offset that a topic can reach: what a system found by itself is the latest that is known. */
const FOUND = 1n << 63n

/** An action from the actions topic. */
export function recordedAction(recorded: Recorded<EventOf<'ActionRecorded'>>): RecordedAction {
  const { data } = recorded.event
  return {
    system: data.system,
    actionId: data.eventId,
    action: data.action,
    resource: data.resource,
    data: data.data,
    causationId: data.causationId,
    order: recorded.position.offset,
  }
}

/**
 * Actions that a system found in its own undo log. They have no place in the actions topic yet, so they count as later
 * than all that has one, in the order of the ledger, and within one finding in the order in which the system lists them.
 */
export function foundActions(recorded: Recorded<EventOf<'LateActionDetected'>>): RecordedAction[] {
  const { system, actions } = recorded.event.data
  const base = FOUND + (recorded.position.offset << 20n)
  return actions.map((found, index) => ({
    system,
    actionId: found.actionId,
    action: found.action,
    resource: found.resource,
    data: found.data,
    causationId: null,
    order: base + BigInt(index),
  }))
}
