import type { PlanStep } from '@unwind/contracts'
import { isCompensation } from '../participant/compensation.js'
import { sortActions, toPlanned } from './actions.js'
import { byText } from './compare.js'
import { dependantsLeft } from './dependants.js'
import { frozen } from './freeze.js'
import { withGates } from './gates.js'
import type { PlanInput, PlanOutcome } from './input.js'
import { observedCauses, precedence, waitsOf } from './precedence.js'
import { remarksOn } from './remarks.js'
import { withReverseDependencies } from './reverse.js'
import { selectionText } from './selection.js'
import { orderWithTandem } from './tandem.js'
import { tiersOf } from './tiers.js'

/**
 * The plan of a rollback: one step a system, in the reverse of what happened. Pure: the same inputs, in whatever order
 * their arrays and maps are, give the same bytes. A correlation ID without any recorded action gives a plan without
 * steps: it still makes every system look for actions of its own.
 */
export function makePlan(input: PlanInput): PlanOutcome {
  const { selection } = input
  const inverse =
    input.inverse === true || input.actions.some(a => isCompensation(input.correlationId, a.causationId))
  const contracts = inverse ? withReverseDependencies(input.contracts) : input.contracts
  const narrowed = selection && (selection.actions.length > 0 || selection.resources.length > 0)
  const part = { systems: input.scope, actions: [], resources: [], ...selection }
  const { all, undoable, surfaced } = sortActions(input.actions, part, contracts)
  const undone = new Set([...undoable.values()].flatMap(actions => actions.map(a => a.actionId)))
  const left = selectionText(part) === null ? [] : dependantsLeft(all, undone, contracts)
  const before = precedence(undoable.keys(), contracts, observedCauses(all))
  const { waits, knots } = orderWithTandem(
    waitsOf(before),
    system => contracts.get(system)!.contract.tandem ?? null,
    system => undoable.get(system)!.at(-1)!.order,
  )
  const tiers = tiersOf(waits)
  const ungated = [...undoable].map(([system, actions]) => {
    const { contract, hash } = contracts.get(system)!
    return {
      stepId: system,
      system,
      tier: tiers.get(system)!,
      waitsFor: [...waits.get(system)!].sort(byText),
      tandem: contract.tandem ?? null,
      contractVersion: contract.version,
      contractHash: hash,
      deadlineMs: contract.deadline,
      actions: toPlanned(actions),
    }
  })
  ungated.sort(byTier)
  const { steps, gates } = withGates(ungated, contracts)
  return frozen(
    {
      format: 1,
      rollbackId: input.rollbackId,
      correlationId: input.correlationId,
      revision: input.revision,
      scope: sorted(input.scope),
      ...(narrowed
        ? { selection: { actions: sorted(selection.actions), resources: sorted(selection.resources) } }
        : {}),
      ...(left.length > 0 ? { left } : {}),
      ...(inverse ? { inverse } : {}),
      barrier: input.barrier,
      basis: input.basis,
      steps,
      gates,
      surfaced,
    },
    remarksOn(knots, contracts),
  )
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort(byText)
}

export function byTier(a: Pick<PlanStep, 'tier' | 'stepId'>, b: Pick<PlanStep, 'tier' | 'stepId'>): number {
  return a.tier - b.tier || byText(a.stepId, b.stepId)
}
