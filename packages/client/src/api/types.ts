/** Shapes of the coordinator's HTTP API (`/v1`). Moments are epoch ms, spans milliseconds, offsets decimal strings. */

export type Phase = 'proposed' | 'awaiting-approval' | 'denied' | 'running' | 'closed'

export interface RollbackSummary {
  readonly rollbackId: string
  readonly correlationId: string
  readonly phase: Phase
  /** Null until it is closed. */
  readonly endState: string | null
}

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

/** One step of a plan, for people. */
export interface PlanRow {
  readonly tier: number
  readonly stepId: string
  readonly system: string
  /** "order.placed orders/1017", in the order in which they are undone. */
  readonly undoes: readonly string[]
  readonly waitsFor: readonly string[]
  readonly tandem: string | null
  /** What opens the gate before it; null: nothing stands there. */
  readonly gate: string | null
  /** From ready to settled, e.g. "1m". */
  readonly deadline: string
}

/** What a plan cannot undo. */
export interface SurfacedRow {
  readonly system: string
  readonly action: string
  readonly actionId: string
  readonly code: string
  readonly irreversible: boolean
  readonly message: string
}

export interface RollbackPlan {
  readonly rollbackId: string
  readonly revision: number
  readonly planHash: string
  readonly rows: readonly PlanRow[]
  readonly surfaced: readonly SurfacedRow[]
}

export interface DryRun {
  readonly correlationId: string
  readonly rows: readonly PlanRow[]
  readonly surfaced: readonly SurfacedRow[]
  readonly policy: {
    readonly decision: 'pre-approved' | 'needs-approval' | 'refused'
    readonly because: readonly string[]
    readonly required?: number
    readonly approvers?: readonly string[]
  }
}

export interface StepView {
  readonly stepId: string
  readonly system: string
  readonly tier: number
  readonly status: string
  readonly round: number
  readonly attempts: number
  readonly message: string | null
}

export interface RollbackView extends RollbackSummary {
  readonly steps: readonly StepView[]
}

export interface TimelineEntry {
  readonly eventId: string
  readonly at: number
  readonly system: string | null
  readonly kind: string
  readonly title: string
  readonly detail: string
  readonly severity: string
}

export interface TimelineView {
  readonly correlationId: string
  readonly entries: readonly TimelineEntry[]
}

export interface SystemView {
  readonly system: string
}

export interface Escalation {
  readonly escalationId: string
}
