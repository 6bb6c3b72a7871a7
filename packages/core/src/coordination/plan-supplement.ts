import { supplementPlan } from '../planning/supplement.js'
import type { Closed, Running } from '../unwind/state.js'
import { raise } from './alarms.js'
import { putForward } from './authority.js'
import type { Coordination, CoordinationCommand, CoordinationContext, Coordinator } from './coordination.js'

/** The next revision, when systems hold actions that no revision names; also after the end: the fold opens it again. */
export function supplement(
  me: Coordinator,
  state: Coordination,
  rollback: Running | Closed,
  context: CoordinationContext,
): readonly CoordinationCommand[] {
  if (rollback.unplanned.size === 0) return []
  if (rollback.phase === 'running' && rollback.aborted) return []
  const { plan } = rollback
  // Asked, and not answered yet or denied: the watch over late actions tells people that it stands.
  if (state.pending && state.pending.request.revision > plan.revision) return []
  const outcome = supplementPlan({
    previous: plan,
    steps: rollback.steps,
    held: new Set(rollback.unplanned.values()),
    late: state.late.filter(action => rollback.unplanned.has(action.actionId)),
    contracts: context.contracts,
    basis: plan.basis,
    ...(rollback.refusedRevision === undefined ? {} : { refusedRevision: rollback.refusedRevision }),
  })
  switch (outcome.kind) {
    case 'planned':
      return putForward(me, state, outcome.plan, outcome.frozen, state.lateCause ?? '', context)
    case 'refused': {
      const { message, hint } = outcome
      const subject = `supplement r${plan.revision + 1}`
      const alarm = {
        kind: 'late-action',
        subject,
        severity: 'critical',
        dueAt: context.now,
        message,
        hint,
      } as const
      return [{ kind: 'emit', event: raise(me, state, alarm, context.now) }]
    }
    case 'unchanged':
      return []
    default:
      return outcome satisfies never
  }
}
