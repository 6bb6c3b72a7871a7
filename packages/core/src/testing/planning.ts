import { type Contract, contractSchema, type Plan } from '@unwind/contracts'
import type { ContractFacts, ContractLookup, PlanInput, RecordedAction } from '../planning/input.js'
import { makePlan } from '../planning/make-plan.js'
import { CORRELATION, ROLLBACK } from './ledger.js'

type ContractBody = Partial<Omit<Contract, 'actions' | 'deadline' | 'gate'>> & {
  readonly actions?: Record<string, { readonly reversibility?: string }>
  readonly deadline?: string
  readonly gate?: { readonly kind: 'human' } | { readonly kind: 'bake'; readonly for: string }
}

/** A valid contract whose one action is "<system>.done". Its hash is "hash of <system>". */
export function facts(system: string, over: ContractBody = {}): ContractFacts {
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: `team ${system}`, contact: `${system}@example.org` },
    success: 'as it was',
    adapter: { kind: 'test' },
    actions: { [`${system}.done`]: {} },
    ...over,
  })
  return { contract, hash: `hash of ${system}` }
}

export function lookup(...all: readonly ContractFacts[]): ContractLookup {
  return new Map(all.map(item => [item.contract.system, item]))
}

/** An action of a system at an offset: `act('orders', 7)` has the ID "orders:7". */
export function act(system: string, order: number, over: Partial<RecordedAction> = {}): RecordedAction {
  return {
    system,
    actionId: `${system}:${order}`,
    action: `${system}.done`,
    resource: null,
    data: '{}',
    causationId: null,
    order: BigInt(order),
    ...over,
  }
}

export function planInput(
  actions: readonly RecordedAction[],
  contracts: ContractLookup,
  over: Partial<PlanInput> = {},
): PlanInput {
  return {
    rollbackId: ROLLBACK,
    correlationId: CORRELATION,
    revision: 1,
    scope: [],
    barrier: false,
    basis: null,
    actions,
    contracts,
    ...over,
  }
}

/** The plan, which these inputs must give. */
export function planned(
  actions: readonly RecordedAction[],
  contracts: ContractLookup,
  over: Partial<PlanInput> = {},
): Plan {
  const outcome = makePlan(planInput(actions, contracts, over))
  if (outcome.kind !== 'planned') throw new Error(`expected a plan, got ${JSON.stringify(outcome)}`)
  return outcome.plan
}

/** Order in short lines: "0 payments", "1 orders after payments". */
export function order(plan: Plan): string[] {
  return plan.steps.map(
    step =>
      `${step.tier} ${step.stepId}${step.waitsFor.length === 0 ? '' : ` after ${step.waitsFor.join(', ')}`}`,
  )
}

/** Which actions each step undoes, in order. */
export function undoes(plan: Plan): Record<string, string[]> {
  return Object.fromEntries(plan.steps.map(step => [step.stepId, step.actions.map(a => a.actionId)]))
}
