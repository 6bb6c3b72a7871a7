import { eventIds, type LedgerEvent } from '@unwind/contracts'
import type { PlanRemark } from '../planning/input.js'
import { makePlan } from '../planning/make-plan.js'
import { whyNotPartly } from '../policy/partly.js'
import { raise } from './alarms.js'
import { common, denial, putForward } from './authority.js'
import type {
  Coordination,
  CoordinationCommand,
  CoordinationContext,
  CoordinationDecision,
  CoordinationInput,
  Coordinator,
} from './coordination.js'

/** The first revision, from all actions recorded so far. */
export function firstPlan(
  me: Coordinator,
  state: Coordination,
  { actions, basis, problems, inverse }: Extract<CoordinationInput, { kind: 'actions' }>,
  context: CoordinationContext,
): CoordinationDecision {
  const { rollback } = state
  // Somebody else's plan came first.
  if (rollback.phase !== 'proposed') return { state, commands: [] }
  const { proposal } = rollback
  const commands: CoordinationCommand[] = []
  if (problems.length > 0) commands.push({ kind: 'emit', event: forged(me, state, problems, context.now) })
  const outcome = makePlan({
    rollbackId: rollback.rollbackId,
    correlationId: rollback.correlationId,
    revision: 1,
    scope: proposal.systems,
    ...(proposal.part ? { selection: proposal.part } : {}),
    ...(inverse === undefined ? {} : { inverse }),
    barrier: me.policy.barrier,
    basis,
    actions,
    contracts: context.contracts,
  })
  switch (outcome.kind) {
    case 'planned': {
      const { plan, frozen, remarks } = outcome
      const partly = whyNotPartly(me.policy, plan, proposal.part?.acceptsDependants ?? false)
      if (partly !== null) {
        commands.push(denial(me, state, 1, frozen.planHash, partly, proposal.eventId, context.now))
        return { state, commands }
      }
      commands.push(...putForward(me, state, plan, frozen, proposal.eventId, context))
      commands.push(...remarks.map((remark, i) => note(me, state, remark, i, proposal.eventId, context.now)))
      return { state, commands }
    }
    case 'refused': {
      const reason = `${outcome.message}; ${outcome.hint}`
      return {
        state,
        commands: [...commands, denial(me, state, 1, '', reason, proposal.eventId, context.now)],
      }
    }
    case 'unchanged':
      return { state, commands }
    default:
      return outcome satisfies never
  }
}

function forged(me: Coordinator, state: Coordination, problems: readonly string[], now: number): LedgerEvent {
  const { rollbackId, correlationId } = state.rollback
  return raise(
    me,
    state,
    {
      kind: 'unauthorised',
      subject: 'actions',
      severity: 'critical',
      dueAt: now,
      message: `rollback ${rollbackId}: ${problems.length} recorded actions of ${correlationId} were left out of the plan: ${problems.slice(0, 5).join('; ')}`,
      hint: 'find out who wrote them; if they are genuine, record them again with a trusted key',
    },
    now,
  )
}

function note(
  me: Coordinator,
  state: Coordination,
  remark: PlanRemark,
  index: number,
  causationId: string,
  now: number,
): CoordinationCommand {
  const data = {
    ...common(me, state, now),
    causationId,
    eventId: `${eventIds.requested(state.rollback.rollbackId, 1)}/remark/${index}`,
    author: me.principal,
    text: remark.message,
  }
  return { kind: 'emit', event: { type: 'NoteAdded', data } }
}
