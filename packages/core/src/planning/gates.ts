import type { PlanGate, PlanStep } from '@unwind/contracts'
import { byText } from './compare.js'
import type { ContractLookup } from './input.js'

/** A step before its gate is known. */
export type Ungated = Omit<PlanStep, 'gate'>

/**
 * Puts the gates that contracts ask for before their steps. A tandem group has one gate, the strictest that a member
 * asks for: otherwise one member would be undone while a person still refuses the other.
 */
export function withGates(
  steps: readonly Ungated[],
  contracts: ContractLookup,
): { readonly steps: PlanStep[]; readonly gates: PlanGate[] } {
  const wanted = new Map<string, PlanGate>()
  for (const step of steps) {
    const gate = gateOf(step, contracts)
    if (!gate) continue
    const unit = unitOf(step)
    const other = wanted.get(unit)
    wanted.set(unit, other ? stricter(other, gate) : gate)
  }
  return {
    steps: steps.map(step => ({ ...step, gate: wanted.get(unitOf(step))?.gateId ?? null })),
    gates: sortGates(wanted.values()),
  }
}

export function sortGates(gates: Iterable<PlanGate>): PlanGate[] {
  return [...gates].sort((a, b) => a.beforeTier - b.beforeTier || byText(a.gateId, b.gateId))
}

function gateOf(step: Ungated, contracts: ContractLookup): PlanGate | null {
  const gate = contracts.get(step.system)?.contract.gate
  if (!gate) return null
  const common = { gateId: `before:${step.stepId}`, beforeTier: step.tier }
  return gate.kind === 'human'
    ? { ...common, kind: 'human', bakeMs: 0 }
    : { ...common, kind: 'bake', bakeMs: gate.for }
}

function unitOf(step: Ungated): string {
  return step.tandem === null ? step.stepId : `tandem ${step.tandem}`
}

function stricter(a: PlanGate, b: PlanGate): PlanGate {
  if (a.kind !== b.kind) return a.kind === 'human' ? a : b
  if (a.bakeMs !== b.bakeMs) return a.bakeMs > b.bakeMs ? a : b
  return a.beforeTier < b.beforeTier || (a.beforeTier === b.beforeTier && a.gateId < b.gateId) ? a : b
}
