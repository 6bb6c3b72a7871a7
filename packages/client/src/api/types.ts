import type { EscalationRaised } from '@unwind/contracts'
import type { LaterWork, PlanExplanation, PolicyDecision, Timeline } from '@unwind/core'

export type {
  LaterWork,
  PlanExplanation,
  PlanRow,
  PolicyDecision,
  RollbackSummary,
  StepRow,
  SurfacedRow,
  TimelineEntry,
} from '@unwind/core'

/** Shapes of the coordinator's HTTP API (`/v1`). Moments are epoch ms, spans milliseconds, offsets decimal strings. */

export type Phase = 'proposed' | 'awaiting-approval' | 'denied' | 'running' | 'closed'

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

export interface ApprovalDecision {
  readonly decision: 'approve' | 'deny'
  /** For approvals: the principal of the key that the coordinator signs them with, or absent. */
  readonly actor?: string
  readonly reason: string
}

/** A rollback in a list. */
export interface RollbackLine {
  readonly rollbackId: string
  readonly correlationId: string
  readonly phase: Phase
  /** Null until it is closed. */
  readonly endState: string | null
  readonly reason: string | null
  readonly proposedBy: string | null
  readonly requestedAt: number | null
}

/** Where a rollback stands, folded from the ledger when it was asked for. */
export interface RollbackView extends RollbackLine {
  readonly revision: number | null
  readonly closedAt: number | null
  /** From the request to the end; while it runs, to its last event. */
  readonly durationMs: number | null
  /** Items that probes saw restored, of those expected. */
  readonly restored: number
  readonly expected: number
  readonly paused: boolean
  /** Another rollback came first and holds what this one would touch; this one goes on by itself when that has ended. */
  readonly waitsForClaim: {
    readonly rollbackId: string
    readonly message: string
    readonly since: number
  } | null
  /** Why the policy or a person said no. */
  readonly denied: string | null
  readonly approval: {
    readonly required: number
    readonly given: readonly string[]
    readonly approvers: readonly string[]
  } | null
  /** What is not as it was, as the end says. */
  readonly remaining: readonly string[]
  readonly refusals: readonly string[]
  /** Alarms that nobody has acknowledged. */
  readonly openEscalations: readonly string[]
  readonly steps: readonly StepView[]
}

export interface StepView {
  readonly stepId: string
  readonly system: string
  readonly tier: number
  readonly waitsFor: readonly string[]
  /** How many actions it undoes. */
  readonly actions: number
  readonly status: string
  readonly round: number
  readonly attempts: number
  /** Why it stands where it stands. */
  readonly message: string | null
  readonly outcome: string | null
  readonly restored: number | null
  readonly expected: number | null
  readonly startedAt: number | null
  readonly settledAt: number | null
  readonly durationMs: number | null
}

/** A plan, for people. */
/** Who else worked on what a plan undoes. */
export interface BlastRadius {
  /** Other correlation IDs, most recent first. */
  readonly later: readonly LaterWork[]
  /** Every action recorded so far was looked at. */
  readonly complete: boolean
  /** Why it is not complete. */
  readonly because: readonly string[]
}

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

export interface TimelineView extends Timeline {
  /** Equal for equal content: two views can be compared by it (I8). */
  readonly digest: string
}

export interface SystemView {
  readonly system: string
  /** Null: a sidecar announced itself, but no contract was published. */
  readonly contract: {
    readonly version: string
    readonly hash: string
    readonly owner: { readonly team: string; readonly contact: string }
    readonly success: string
    readonly dependsOn: readonly string[]
    readonly adapter: string
    readonly actions: readonly string[]
  } | null
  /** Latest announcement of a sidecar. Null: none ever came. */
  readonly sidecar: {
    readonly at: number
    readonly instance: string
    readonly contractVersion: string
    readonly contractHash: string
    readonly adapter: string
  } | null
}

export type EscalationView = EscalationRaised
