import type { Plan, PlanStep } from '@unwind/contracts'
import type { StepState } from '../unwind/state.js'
import { distinct, toPlanned, whyNot } from './actions.js'
import { frozen } from './freeze.js'
import { sortGates, type Ungated, withGates } from './gates.js'
import type { ContractLookup, PlanOutcome, RecordedAction } from './input.js'
import { addLateWaits, hasBegun } from './late-waits.js'
import { byTier } from './make-plan.js'
import { withReverseDependencies } from './reverse.js'
import { isSelected, selectionOf } from './selection.js'

export interface SupplementInput {
  readonly previous: Plan
  /** Where each step of the previous revision stands. */
  readonly steps: ReadonlyMap<string, StepState>
  /**
   * Systems whose sidecar starts nothing until the plan names what it found (`Running.unplanned`). Only their unstarted
   * steps can take actions in: any other step may be starting at this very moment, and its proof would then cover
   * actions that it never undid (I3).
   */
  readonly held: ReadonlySet<string>
  /** Actions that no revision names; those that one does name are passed over. In any order. */
  readonly late: readonly RecordedAction[]
  readonly contracts: ContractLookup
  readonly basis: Plan['basis']
  /** The number of a revision that was requested already, and not taken. */
  readonly refusedRevision?: number
}

/**
 * The next revision of a plan, with what came late. Steps that have begun stay as they are, byte for byte, since an
 * approval and an effect may stand on them. Late actions go into the unstarted step of a held system, else into a new
 * step "system~2", "system~3", … that waits for nothing that has settled.
 */
export function supplementPlan(given: SupplementInput): PlanOutcome {
  const { previous } = given
  const contracts = previous.inverse ? withReverseDependencies(given.contracts) : given.contracts
  const input = { ...given, contracts }
  const late = newcomers(previous, input.late)
  if (late.length === 0) return { kind: 'unchanged' }
  const surfaced = late.flatMap(action => whyNot(action, contracts.get(action.system)) ?? [])
  const cannot = new Set(surfaced.map(s => s.actionId))
  const undoable = late.filter(action => !cannot.has(action.actionId))

  const kept = new Map(previous.steps.map(step => [step.stepId, step]))
  const added: Ungated[] = []
  for (const system of new Set(undoable.map(action => action.system))) {
    const actions = toPlanned(undoable.filter(action => action.system === system))
    const open = openStep(input, system)
    if (open) kept.set(open.stepId, { ...open, actions: [...actions, ...open.actions] })
    else added.push(newStep(input, system, actions))
  }
  const ordered = addLateWaits({ ...input, late: undoable, kept: [...kept.values()], added })
  const gated = gate(previous, ordered.kept, ordered.added, contracts, input.steps)
  const plan: Plan = {
    ...previous,
    revision: Math.max(previous.revision, input.refusedRevision ?? 0) + 1,
    basis: input.basis,
    steps: gated.steps.sort(byTier),
    gates: gated.gates,
    surfaced: [...surfaced.reverse(), ...previous.surfaced],
  }
  return frozen(plan, [])
}

function newcomers(previous: Plan, late: readonly RecordedAction[]): RecordedAction[] {
  const named = new Set(previous.surfaced.map(s => s.actionId))
  for (const step of previous.steps) for (const action of step.actions) named.add(action.actionId)
  const part = selectionOf(previous)
  return distinct(late).filter(a => !named.has(a.actionId) && isSelected(part, a))
}

/** The step that may still take actions in: of the same contract, since that is what its approval covered. */
function openStep(
  { previous, steps, held, contracts }: SupplementInput,
  system: string,
): PlanStep | undefined {
  if (!held.has(system)) return undefined
  return previous.steps.find(
    step =>
      step.system === system &&
      step.contractHash === contracts.get(system)!.hash &&
      !hasBegun(steps.get(step.stepId)),
  )
}

function newStep(
  { previous, contracts }: SupplementInput,
  system: string,
  actions: PlanStep['actions'],
): Ungated {
  const { contract, hash } = contracts.get(system)!
  const taken = new Set(previous.steps.map(step => step.stepId))
  let stepId = system
  for (let n = 2; taken.has(stepId); n++) stepId = `${system}~${n}`
  return {
    stepId,
    system,
    tier: 0,
    waitsFor: [],
    tandem: contract.tandem ?? null,
    contractVersion: contract.version,
    contractHash: hash,
    deadlineMs: contract.deadline,
    actions,
  }
}

/** A new step of a tandem group stands behind the gate that still holds the group; else behind its contract's own. */
function gate(
  previous: Plan,
  kept: readonly PlanStep[],
  added: readonly Ungated[],
  contracts: ContractLookup,
  states: ReadonlyMap<string, StepState>,
): { steps: PlanStep[]; gates: Plan['gates'] } {
  const shared = new Map<string, string>()
  for (const step of kept)
    if (step.tandem !== null && step.gate !== null && !hasBegun(states.get(step.stepId)))
      shared.set(step.tandem, step.gate)
  const own = withGates(
    added.filter(step => step.tandem === null || !shared.has(step.tandem)),
    contracts,
  )
  const joined = added.flatMap(step => {
    const gateId = step.tandem === null ? undefined : shared.get(step.tandem)
    return gateId === undefined ? [] : [{ ...step, gate: gateId }]
  })
  const steps = [...kept, ...own.steps, ...joined]
  const gates = [...previous.gates, ...own.gates].map(g => {
    const behind = steps.filter(step => step.gate === g.gateId).map(step => step.tier)
    return behind.length === 0 ? g : { ...g, beforeTier: Math.min(...behind) }
  })
  return { steps, gates: sortGates(gates) }
}
