import { owesAlarm, unreadable } from './alarms.js'
import { awaitsReview } from './break-glass.js'
import {
  type Coordination,
  type CoordinationCommand,
  type CoordinationContext,
  type CoordinationDecision,
  type CoordinationInput,
  type Coordinator,
  coordination,
} from './coordination.js'
import { dueCommands } from './due.js'
import { foldEvent, without } from './fold.js'
import { held } from './held.js'
import { firstPlan } from './plan-first.js'
import { raiseStalls } from './watching.js'

/**
 * One coordinator's whole behaviour towards one rollback: fold the input, then say what is due. Pure. All that it emits
 * has an ID that follows from what it is about, so that two coordinators at once say the same thing twice, which every
 * fold takes once.
 */
export function coordinate(
  me: Coordinator,
  before: Coordination | null,
  input: CoordinationInput,
  context: CoordinationContext,
): CoordinationDecision {
  const folded = fold(me, before, input, context)
  if (folded.state === null) return folded
  const state = coordination(folded.state)
  const answered = context.live ? keepNew(state, folded.commands) : { state, commands: [] }
  if (hasEnded(answered.state)) return { state: null, commands: answered.commands }
  if (!context.live) return answered
  const due = dueCommands(me, answered.state, context)
  const kept = keepNew(due.state, due.commands)
  return { state: kept.state, commands: [...answered.commands, ...kept.commands] }
}

function fold(
  me: Coordinator,
  before: Coordination | null,
  input: CoordinationInput,
  context: CoordinationContext,
): CoordinationDecision {
  if (input.kind === 'event')
    return { state: foldEvent(before, input.recorded, input.approver), commands: [] }
  if (before === null) return { state: null, commands: [] }
  switch (input.kind) {
    case 'actions':
      return firstPlan(me, { ...before, planning: { status: 'idle' } }, input, context)
    case 'no-actions': {
      const { retryAt } = input
      const event = unreadable(me, before, input, context.now)
      const state: Coordination = { ...before, planning: { status: 'failed', retryAt } }
      return { state, commands: [{ kind: 'emit', event }] }
    }
    case 'facts':
      return raiseStalls(me, { ...before, looking: false }, input.facts, context)
    case 'refused': {
      const refused = new Map(before.refused)
      if (!refused.has(input.claimed)) refused.set(input.claimed, input.message)
      return { state: { ...before, refused }, commands: [] }
    }
    case 'not-written': {
      // It may have been an alarm: its deadline is looked at again, or nobody is ever told (I7). Or it may have said that this
      // rollback waits for another one: then it asks again, and says it again.
      const state = { ...without(before, input.eventId), lookedUpTo: 0, held: false }
      return { state, commands: [{ kind: 'wake', at: input.retryAt }] }
    }
    case 'held':
      return held(me, before, input, context)
    case 'freed':
      return { state: { ...before, held: false }, commands: [] }
    case 'tick':
      return { state: before, commands: [] }
    default:
      return input satisfies never
  }
}

/**
 * Nothing more can come of it by itself. A closed one stays while a system holds actions that no revision names, a review is open, or
 * nobody was told of a forgery: who reads it and its end in one go could tell of it at no other time.
 */
function hasEnded(state: Coordination): boolean {
  const { rollback } = state
  switch (rollback.phase) {
    case 'denied':
      return true
    case 'closed':
      return rollback.unplanned.size === 0 && !awaitsReview(state) && !owesAlarm(state)
    case 'proposed':
      return rollback.refused !== undefined
    default:
      return false
  }
}

/** Leaves out what the ledger has, or what this process has sent already, and notes what is sent now. */
function keepNew(
  state: Coordination,
  commands: readonly CoordinationCommand[],
): { state: Coordination; commands: readonly CoordinationCommand[] } {
  if (commands.length === 0) return { state, commands }
  const sent = new Set(state.sent)
  const kept = commands.filter(command => {
    if (command.kind !== 'emit') return true
    const { eventId } = command.event.data
    if (sent.has(eventId) || state.rollback.seen.has(eventId)) return false
    sent.add(eventId)
    return true
  })
  return { state: coordination({ ...state, sent }), commands: kept }
}
