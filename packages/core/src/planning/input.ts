import type { Contract, FrozenPlan, Plan } from '@unwind/contracts'

/** One forward action, as far as planning looks at it. */
export interface RecordedAction {
  readonly system: string
  readonly actionId: string
  readonly action: string
  readonly resource: string | null
  /** JSON object as text, exactly as recorded. */
  readonly data: string
  /** Action that caused it. An ID that is not among the actions says nothing. */
  readonly causationId: string | null
  /**
   * Where it stands in what happened: greater is later. The offset in the actions topic (all actions of a correlation
   * ID lie in one partition); for actions that only a system's own undo log knows, see `foundActions`.
   */
  readonly order: bigint
}

/** A contract in force, and the hash of its document. */
export interface ContractFacts {
  readonly contract: Contract
  readonly hash: string
}

export type ContractLookup = ReadonlyMap<string, ContractFacts>

export interface PlanInput {
  readonly rollbackId: string
  readonly correlationId: string
  readonly revision: number
  /** Only these systems take part. Empty: every system that acted. */
  readonly scope: readonly string[]
  /** Only these actions of theirs, by name or ID, and on these resources. Absent, or an empty list: all. */
  readonly selection?: { readonly actions: readonly string[]; readonly resources: readonly string[] }
  /** The correlation ID is that of a rollback: its actions are compensations, which happened in the reverse order. */
  readonly inverse?: boolean
  /** Wait for every fence before the first undo. */
  readonly barrier: boolean
  readonly basis: Plan['basis']
  /** All actions of the correlation ID, those outside the scope too: they tell who caused whom. In any order. */
  readonly actions: readonly RecordedAction[]
  /** Contracts of all systems, also of those that did not act: dependencies run through them. */
  readonly contracts: ContractLookup
}

/** Something about the inputs that people should know; the plan stands nevertheless. */
export interface PlanRemark {
  /** declared-cycle: a fault in contracts · mutual: systems called each other · tandem-conflict: a tandem group and the order contradict. */
  readonly code: 'declared-cycle' | 'mutual' | 'tandem-conflict'
  readonly systems: readonly string[]
  readonly message: string
}

export type PlanOutcome =
  | {
      readonly kind: 'planned'
      readonly plan: Plan
      readonly frozen: FrozenPlan
      readonly remarks: readonly PlanRemark[]
    }
  /** A supplement would say nothing that the previous revision does not say. */
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'refused'
      readonly code: 'contract'
      readonly message: string
      readonly hint: string
    }
