/** Shapes of the coordinator's HTTP API (`/v1`). Moments are epoch ms, spans milliseconds, offsets decimal strings. */

import type { PlanExplanation, PolicyDecision, RollbackSummary, Timeline, TimelineEntry } from '@unwind/core'

export type { PlanExplanation, PlanRow, PolicyDecision, StepRow, SurfacedRow, TimelineEntry } from '@unwind/core'

/** One rollback as the ledger tells it, folded when it was asked for. */
export interface RollbackView extends RollbackSummary {
  readonly correlationId: string
}

export type TimelineView = Timeline

export interface ProposeRollback {
  readonly correlationId: string
  /** Why, for people. */
  readonly reason: string
  /** Only these systems; absent: every system that acted. */
  readonly systems?: readonly string[]
  /** Given by a caller that may have to ask again: the same ID is the same proposal. */
  readonly rollbackId?: string
}

export type CommandName = 'pause' | 'resume' | 'retry' | 'skip' | 'resolve' | 'abort'
export type Resolution = 'keep' | 'force' | 'merge' | 'manual'

export interface OperatorCommand {
  readonly command: CommandName
  /** Absent: the whole rollback. */
  readonly stepId?: string
  readonly actor: string
  readonly reason: string
  /** Only for `resolve`. */
  readonly resolution?: Resolution
  /** Link or text that backs a resolve. */
  readonly evidence?: string
}

export interface ApprovalDecision {
  readonly decision: 'approve' | 'deny'
  readonly actor: string
  readonly reason: string
}


/** A plan, for people. */
export interface RollbackPlan extends PlanExplanation {
  readonly rollbackId: string
  readonly revision: number
  readonly planHash: string
}

/** What a proposal would lead to; nothing was changed. */
export interface DryRun extends PlanExplanation {
  readonly correlationId: string
  readonly policy: PolicyDecision
}

export interface SystemView {
  readonly system: string
  readonly version: string
  readonly owner: { readonly team: string; readonly contact: string }
  readonly dependsOn: readonly string[]
  readonly sidecars: readonly { readonly instance: string; readonly announcedAt: number }[]
}

export interface EscalationView extends TimelineEntry {
  readonly correlationId: string
  readonly acknowledged: boolean
}
