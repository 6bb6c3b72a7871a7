import type { RecordedAction } from '../planning/input.js'
import type { Closed } from '../unwind/state.js'

/**
 * Recorded actions of the rollback's scope that no revision of its plan names. They came after it had been planned: the
 * process that failed was still running, or somebody went on under the same correlation ID.
 */
export function lateActions(
  { plan }: Pick<Closed, 'plan'>,
  actions: readonly RecordedAction[],
): ReadonlyMap<string, readonly RecordedAction[]> {
  const named = new Set(plan.steps.flatMap(step => step.actions.map(action => action.actionId)))
  for (const surfaced of plan.surfaced) named.add(surfaced.actionId)
  const bySystem = new Map<string, RecordedAction[]>()
  for (const action of actions) {
    if (named.has(action.actionId)) continue
    if (plan.scope.length > 0 && !plan.scope.includes(action.system)) continue
    named.add(action.actionId)
    bySystem.set(action.system, [...(bySystem.get(action.system) ?? []), action])
  }
  return bySystem
}

/** The capture saw that it was written after the fence stood. */
export function cameAfterFence({ data }: Pick<RecordedAction, 'data'>): boolean {
  return fieldsOf(data)?.late === true
}

/** The identifiers of an action. Null: they are not the JSON object that they should be. */
export function fieldsOf(data: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
