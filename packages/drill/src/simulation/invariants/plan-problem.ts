import type { Plan, RollbackRequested } from '@unwind/contracts'
import { FINAL } from '../process/contracts.js'
import { namedIn, type NaiveRollback } from './naive.js'
import type { Problem } from './start-problem.js'
import type { Watch } from './watch.js'

/** What is wrong with a plan that a coordinator requests: made from a stale view (I8), or in the wrong order (I4). */
export function planProblem(rollback: NaiveRollback, data: RollbackRequested, watch: Watch): Problem | null {
  const plan = JSON.parse(data.plan) as Plan
  const at = `plan r${plan.revision} of ${rollback.id}`
  if (plan.revision === 1) {
    const needed = watch.proposedAt.get(rollback.id) ?? 0
    const basis = Number(plan.basis?.offset ?? 0)
    if (basis < needed)
      return { invariant: 'I8', message: `${at} knows the actions up to ${basis}, and ${needed} were recorded` }
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
  return orderProblem(plan, at, watch) ?? contentProblem(plan, at)
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

function contentProblem(plan: Plan, at: string): Problem | null {
  const seen = new Set<string>()
  for (const step of plan.steps)
    for (const { actionId, action } of step.actions) {
      if (action === FINAL) return { invariant: 'I3', message: `${at} undoes ${actionId}, which cannot be undone` }
      if (seen.has(actionId)) return { invariant: 'I2', message: `${at} undoes ${actionId} twice` }
      seen.add(actionId)
    }
  return null
}
