import type { Plan, RollbackRequested } from '@unwind/contracts'
import { FINAL } from '../process/contracts.js'
import { APPROVER } from '../process/keys.js'
import { type NaiveRollback, namedIn } from './naive.js'
import type { Problem } from './start-problem.js'
import type { Watch } from './watch.js'

/** What is wrong with a plan that a coordinator requests: made from a stale view (I8), or in the wrong order (I4). */
export function planProblem(rollback: NaiveRollback, data: RollbackRequested, watch: Watch): Problem | null {
  const plan = watch.texts.plan(data.plan)
  const at = `plan r${plan.revision} of ${rollback.id}`
  if (plan.revision === 1) {
    const needed = watch.proposedAt.get(rollback.id) ?? 0
    const basis = Number(plan.basis?.offset ?? 0)
    if (basis < needed)
      return {
        invariant: 'I8',
        message: `${at} knows the actions up to ${basis}, and ${needed} were recorded`,
      }
    const named = namedIn(plan)
    const missing = (watch.recorded.get(rollback.correlationId) ?? []).filter(
      action =>
        action.offset < basis &&
        (plan.scope.length === 0 || plan.scope.includes(action.system)) &&
        !named.has(action.actionId),
    )
    if (missing.length > 0)
      return { invariant: 'I8', message: `${at} does not name ${missing.map(m => m.actionId).join(', ')}` }
  }
  return (
    authorityProblem(plan, data, at, watch) ??
    orderProblem(plan, at, watch) ??
    contentProblem(plan, at, watch)
  )
}

/** Only what was asked for, and where people have to say yes, a person did. */
function authorityProblem(plan: Plan, data: RollbackRequested, at: string, watch: Watch): Problem | null {
  const outside = plan.steps.find(step => plan.scope.length > 0 && !plan.scope.includes(step.system))
  if (outside) return { invariant: 'I5', message: `${at} undoes ${outside.stepId}, which nobody asked for` }
  const asks = watch.parts.scenario.approval === 'people' && plan.steps.length > 0
  if (asks && !data.approvals.some(approval => approval.approver === APPROVER))
    return { invariant: 'I5', message: `${at} was approved by nobody` }
  return null
}

/** Who depends on another acted after it, so it is undone before. Tandem groups and late steps have rules of their own. */
function orderProblem(plan: Plan, at: string, watch: Watch): Problem | null {
  const { systems } = watch.parts.scenario
  if (plan.revision > 1 || systems.some(s => s.tandem !== null)) return null
  for (const step of plan.steps)
    for (const earlier of systems.find(s => s.name === step.system)?.dependsOn ?? []) {
      const other = plan.steps.find(s => s.system === earlier)
      if (other && !other.waitsFor.includes(step.stepId))
        return { invariant: 'I4', message: `${at} undoes ${earlier} without waiting for ${step.system}` }
    }
  return null
}

function contentProblem(plan: Plan, at: string, watch: Watch): Problem | null {
  // A record may come twice: the first one says when the action was.
  const recorded = [...(watch.recorded.get(plan.correlationId) ?? [])].reverse()
  const order = new Map(recorded.map(a => [a.actionId, a.offset]))
  const seen = new Set<string>()
  for (const step of plan.steps) {
    let last = Number.POSITIVE_INFINITY
    for (const { actionId, action } of step.actions) {
      const offset = order.get(actionId) ?? last
      if (plan.revision === 1 && offset > last)
        return { invariant: 'I4', message: `${at} undoes ${actionId} before what came after it` }
      last = offset
      if (action === FINAL)
        return { invariant: 'I3', message: `${at} undoes ${actionId}, which cannot be undone` }
      if (seen.has(actionId)) return { invariant: 'I2', message: `${at} undoes ${actionId} twice` }
      seen.add(actionId)
    }
  }
  return null
}
