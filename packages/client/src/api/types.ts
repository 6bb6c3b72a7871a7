import type { EscalationRaised } from '@unwind/contracts'
import type { BlastRadius, PlanExplanation, PolicyDecision, ShownPhase } from '@unwind/core'

export type {
  AnomalyRow,
  BlastRadius,
  CallerView,
  LaterWork,
  PlanExplanation,
  PlanRow,
  PolicyDecision,
  ReconciliationAnswer,
  ReconciliationRow,
  RollbackLine,
  RollbackList,
  RollbackSummary,
  RollbackView,
  StallView,
  StepRow,
  StepView,
  SurfacedRow,
  SystemView,
  TimelineEntry,
  TimelineView,
  ViewDigestView,
  ViewState,
} from '@unwind/core'

/** Shapes of the coordinator's HTTP API (`/v1`). Moments are epoch ms, spans milliseconds, offsets decimal strings. */

export type Phase = ShownPhase

export interface ProposeRollback {
  readonly correlationId: string
  /** Why, for people. */
  readonly reason: string
  /** Only these systems; absent: every system that acted. */
  readonly systems?: readonly string[]
  /** Only actions of these names or with these IDs. */
  readonly actions?: readonly string[]
  /** Only actions on these resources. */
  readonly resources?: readonly string[]
  /** Accept that actions which build on the undone ones stay as they are. */
  readonly acceptPartial?: boolean
  /** Given by a caller that may have to ask again: the same ID is the same proposal. */
  readonly rollbackId?: string
  /** Selects a playbook. */
  readonly incidentClass?: string
  /** Release (deployment) whose failure this rolls back. */
  readonly release?: string
  /** Who asks, e.g. "user:ana"; absent: whom the coordinator is configured with. */
  readonly actor?: string
}

export interface DryRunRequest {
  readonly correlationId: string
  readonly systems?: readonly string[]
  readonly actions?: readonly string[]
  readonly resources?: readonly string[]
  readonly acceptPartial?: boolean
  /** Who would ask: policies depend on it. */
  readonly actor?: string
}

export type CommandName = 'pause' | 'resume' | 'retry' | 'skip' | 'resolve' | 'abort'
export type Resolution = 'keep' | 'force' | 'merge' | 'manual'

export interface OperatorCommand {
  readonly command: CommandName
  /** For retry, skip and resolve. */
  readonly stepId?: string
  readonly actor?: string
  readonly reason: string
  /** Only for resolve. */
  readonly resolution?: Resolution
  /** Link or text that backs a resolve. */
  readonly evidence?: string
  /** The same ID is the same command. */
  readonly commandId?: string
}

export interface Acknowledgement {
  readonly escalationId: string
  readonly actor?: string
  readonly reason: string
}

export interface ApprovalDecision {
  /** "break-glass": decide alone, now; others are paged and review it. */
  readonly decision: 'approve' | 'deny' | 'break-glass'
  /** Of the plan that was looked at; refused when another one waits. Only a denial may leave it out. */
  readonly planHash?: string
  /** For approvals: the principal of the key that the coordinator signs them with, or absent. */
  readonly actor?: string
  readonly reason: string
}

export interface ReconcileRequest {
  readonly actor?: string
  /** Why, for people. */
  readonly reason?: string
  /** The same name is the same request. */
  readonly name?: string
}

/** A reconciliation that was asked for. */
export interface ReconciliationAsked {
  /** Event ID of the request: `reconciliations` of the view holds it with the answers. */
  readonly requestId: string
  /** Who is to answer. */
  readonly systems: readonly string[]
}

/** A plan, for people. */
export interface RollbackPlan extends PlanExplanation {
  readonly rollbackId: string
  readonly revision: number
  readonly planHash: string
  readonly blastRadius: BlastRadius
}

/** What a proposal would lead to; nothing was changed. */
export interface DryRun extends PlanExplanation {
  readonly correlationId: string
  readonly planHash: string
  /** What the planner had to decide, for people. */
  readonly remarks: readonly string[]
  /** Records that were left out, and why. */
  readonly problems: readonly string[]
  readonly policy: PolicyDecision
  readonly blastRadius: BlastRadius
}

export type EscalationView = EscalationRaised
