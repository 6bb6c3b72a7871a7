import { closing } from '../closing/closing.js'
import { surfaced } from './alarms.js'
import { pages } from './break-glass.js'
import type { Coordination, CoordinationCommand, CoordinationContext, Coordinator } from './coordination.js'
import { approvedRequest } from './dispatch.js'
import { supplement } from './plan-supplement.js'
import { watch } from './watching.js'

/** What this coordinator should do now. Says the same again when asked again; what was sent is left out by the caller. */
export function dueCommands(
  me: Coordinator,
  before: Coordination,
  context: CoordinationContext,
): { state: Coordination; commands: readonly CoordinationCommand[] } {
  const alarms = [...surfaced(me, before, context.now), ...pages(me, before, context)].map(
    (event): CoordinationCommand => ({ kind: 'emit', event }),
  )
  const moved = inPhase(me, before, context)
  const watched = watch(me, moved.state, context)
  return { state: watched.state, commands: [...alarms, ...moved.commands, ...watched.commands] }
}

function inPhase(
  me: Coordinator,
  state: Coordination,
  context: CoordinationContext,
): { state: Coordination; commands: readonly CoordinationCommand[] } {
  const { rollback } = state
  switch (rollback.phase) {
    case 'proposed':
      return plan(state, context.now)
    case 'awaiting-approval':
      return { state, commands: request(me, state, context) }
    case 'running': {
      const next = [...request(me, state, context), ...supplement(me, state, rollback, context)]
      const end = closing(rollback, me.principal, context.now)
      if (end.kind === 'close')
        next.push({ kind: 'emit', event: { type: 'RollbackClosed', data: end.event } })
      else if (end.kind === 'later') next.push({ kind: 'wake', at: end.at })
      return { state, commands: next }
    }
    case 'closed':
      return {
        state,
        commands: [...request(me, state, context), ...supplement(me, state, rollback, context)],
      }
    case 'denied':
      return { state, commands: [] }
    default:
      return rollback satisfies never
  }
}

function plan(
  state: Coordination,
  now: number,
): { state: Coordination; commands: readonly CoordinationCommand[] } {
  const { planning } = state
  if (state.held) return { state, commands: [] }
  if (planning.status === 'reading') return { state, commands: [] }
  if (planning.status === 'failed' && now < planning.retryAt)
    return { state, commands: [{ kind: 'wake', at: planning.retryAt }] }
  // A plan was put forward and is on its way through the log.
  if (state.sent.size > 0 && [...state.sent].some(isAnswer)) return { state, commands: [] }
  return { state: { ...state, planning: { status: 'reading' } }, commands: [{ kind: 'read-actions' }] }
}

/** Whether this event ID is one with which a proposal is answered. */
function isAnswer(eventId: string): boolean {
  return /\/(requested|approval-requested|denied)\/r1(\/|$)/.test(eventId)
}

function request(
  me: Coordinator,
  state: Coordination,
  context: CoordinationContext,
): readonly CoordinationCommand[] {
  if (!state.pending) return []
  const commands = approvedRequest(me, state, state.pending, context)
  return state.held ? commands.filter(command => !isFirstRequest(command)) : commands
}

/** What another rollback holds keeps the first request back; a denial, or an alarm, is said all the same. */
function isFirstRequest(command: CoordinationCommand): boolean {
  if (command.kind !== 'emit' || command.event.type !== 'RollbackRequested') return false
  return command.event.data.revision === 1
}
