import { isSettled, type Running, type StepProgress, type StepState } from './state.js'

/** Whether a step may begin now, and if not, what it waits for. One answer for sidecars, the watcher and people. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waits-for-steps'; readonly steps: readonly string[] }
  | { readonly kind: 'waits-for-fences'; readonly systems: readonly string[] }
  | { readonly kind: 'waits-for-gate'; readonly gateId: string; readonly gate: 'human' }
  /** `until`: epoch ms. */
  | { readonly kind: 'bakes'; readonly gateId: string; readonly until: number }
  | { readonly kind: 'waits-for-plan'; readonly actions: readonly string[] }
  | { readonly kind: 'tandem-parked'; readonly steps: readonly string[] }
  | { readonly kind: 'paused' }
  | { readonly kind: 'aborted' }

/** @param now epoch ms; only bake gates look at it. */
export function readiness(state: Running, step: StepState, now: number): Readiness {
  if (state.aborted) return { kind: 'aborted' }
  if (state.paused) return { kind: 'paused' }
  const late = unplannedOf(state, step.step.system)
  if (late.length > 0) return { kind: 'waits-for-plan', actions: late }
  // I4: nothing starts before all that it waits for has settled.
  const open = [...awaited(state, step)].filter(id => !isSettled(state.steps.get(id)!.progress))
  if (open.length > 0) return { kind: 'waits-for-steps', steps: open }
  const parked = siblings(state, step).filter(
    s => s.progress.status === 'parked' || s.progress.status === 'failed',
  )
  if (parked.length > 0) return { kind: 'tandem-parked', steps: parked.map(s => s.step.stepId) }
  const fences = missingFences(state)
  if (fences.length > 0) return { kind: 'waits-for-fences', systems: fences }
  return gateReadiness(state, step, now)
}

/**
 * What a step waits for, looking through steps that a person settled: whoever skips a step that waits does not want its
 * dependants to overtake what it was waiting for.
 */
function awaited(state: Running, step: StepState, found = new Set<string>()): ReadonlySet<string> {
  for (const id of step.step.waitsFor) {
    if (found.has(id)) continue
    found.add(id)
    const other = state.steps.get(id)!
    if (isSettledByHand(other.progress)) awaited(state, other, found)
  }
  return found
}

/** Asked for every step at every event: the usual answer costs nothing. */
const NONE: readonly never[] = []

function isSettledByHand({ status }: StepProgress): boolean {
  return status === 'skipped' || status === 'resolved'
}

function gateReadiness(state: Running, step: StepState, now: number): Readiness {
  const gate = state.plan.gates.find(g => g.gateId === step.step.gate)
  if (!gate || state.openGates.has(gate.gateId)) return { kind: 'ready' }
  if (gate.kind === 'human') return { kind: 'waits-for-gate', gateId: gate.gateId, gate: 'human' }
  // A bake gate opens by itself, without the coordinator: its time runs from the last outcome that the step waited for.
  const from = Math.max(state.requestedAt, ...step.step.waitsFor.map(id => state.steps.get(id)!.changedAt))
  const until = from + gate.bakeMs
  return now >= until ? { kind: 'ready' } : { kind: 'bakes', gateId: gate.gateId, until }
}

function siblings(state: Running, step: StepState): readonly StepState[] {
  const { tandem, stepId } = step.step
  if (tandem === null) return NONE
  return [...state.steps.values()].filter(s => s.step.tandem === tandem && s.step.stepId !== stepId)
}

function missingFences(state: Running): readonly string[] {
  if (!state.plan.barrier) return NONE
  // Whoever settles a step by hand answers for its system: its sidecar may never speak again (I7).
  const expected = [...state.steps.values()].filter(s => !isSettledByHand(s.progress))
  const systems = new Set(expected.map(s => s.step.system))
  return [...systems].filter(system => !state.fenced.has(system)).sort()
}

/** Actions that this system holds and that no revision of the plan names yet. */
export function unplannedOf(state: Running, system: string): readonly string[] {
  if (state.unplanned.size === 0) return NONE
  return [...state.unplanned].filter(([, owner]) => owner === system).map(([actionId]) => actionId)
}
