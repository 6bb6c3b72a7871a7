import type {
  Approval,
  FailureCode,
  FieldDifference,
  Plan,
  PlanStep,
  RollbackClosed,
  RollbackProposed,
} from '@unwind/contracts'

/**
 * Where a step stands, as the ledger tells it. "Ready" is not a status: it follows from the statuses of the
 * steps that it waits for, see `readiness`.
 */
export type StepProgress =
  | { readonly status: 'waiting' }
  /** An attempt is under way, or its sidecar died in the middle of it. */
  | { readonly status: 'started'; readonly attempt: number; readonly startedAt: number }
  /** An attempt failed and another follows at `retryAt` (epoch ms). */
  | { readonly status: 'retrying'; readonly attempt: number; readonly retryAt: number; readonly code: string }
  /** The last attempt failed for good; its `StepParked` has not been seen yet. */
  | { readonly status: 'failed'; readonly attempt: number; readonly code: string; readonly message: string }
  | {
      readonly status: 'parked'
      readonly code: string
      readonly message: string
      readonly differences: readonly FieldDifference[]
    }
  /** A probe saw the state restored (I3). */
  | {
      readonly status: 'verified'
      readonly outcome: string
      readonly restored: number
      readonly expected: number
      readonly notes: readonly string[]
    }
  | { readonly status: 'skipped'; readonly actor: string; readonly reason: string }
  /** A named actor did it by hand and stands for it; no probe saw it. */
  | {
      readonly status: 'resolved'
      readonly actor: string
      readonly reason: string
      readonly evidence: string | null
    }

export type StepStatus = StepProgress['status']

export interface StepState {
  readonly step: PlanStep
  readonly progress: StepProgress
  /** Opened by operator commands; 0 at first. */
  readonly round: number
  /** Conflict policy that a named actor chose for this round. Null: the contract's. */
  readonly resolution: 'keep' | 'force' | 'merge' | null
  /** Attempts ever started or failed in this round, so that a restarted sidecar does not reuse a number. */
  readonly attempts: number
  /** When the first attempt of any round was announced, epoch ms; null: never; 0: before what this fold has seen. An idempotency key is as old as this. */
  readonly firstStartedAt: number | null
  /** When the ledger last moved this step, epoch ms by the emitter's clock. For people and deadlines, never for order. */
  readonly changedAt: number
  /**
   * From when its deadline can run, beside what it waits for: the request, the revision or the command that opened this
   * round, the opening of its gate, the end of a pause; epoch ms.
   */
  readonly openedAt: number
}

/** A request, revision or command that the fold would not take, and why. Surfaced, never silent. */
export interface Refusal {
  readonly eventId: string
  readonly code: FailureCode
  readonly message: string
}

interface Common {
  readonly rollbackId: string
  readonly correlationId: string
  /** Event IDs already folded: a second copy changes nothing. */
  readonly seen: ReadonlySet<string>
  readonly refusals: readonly Refusal[]
  /** Event ID of the last operator command in the log; absent: none. The next one names it as its cause. */
  readonly lastCommand?: string
  /** What this fold began with, where that was not the proposal: of what lies before it, it has seen no ID. */
  readonly begun?: {
    /** Epoch ms. */
    readonly at: number
    readonly revision: number
    readonly byCommand: boolean
  }
}

/** Another rollback holds what this one would touch. */
export interface ClaimWait {
  readonly holder: string
  /** 1, and one more whenever another one is in the way: the same one may be so twice. */
  readonly turn: number
  readonly message: string
  /** Epoch ms. */
  readonly since: number
}

export interface Proposed extends Common {
  readonly phase: 'proposed'
  readonly proposal: RollbackProposed
  /** The policy refused it before anybody was asked; it has ended. */
  readonly refused?: { readonly by: string; readonly reason: string }
  readonly waitsFor?: ClaimWait
}

/** The plan is made and waits for approvals, or was denied. */
export interface Planned extends Common {
  readonly phase: 'awaiting-approval' | 'denied'
  readonly proposal: RollbackProposed | null
  readonly plan: Plan
  readonly planHash: string
  readonly required: number
  readonly approvals: readonly Approval[]
  readonly waitsFor?: ClaimWait
}

/** Requested: the sidecars are at work. */
export interface Running extends Common {
  readonly phase: 'running'
  readonly proposal: RollbackProposed | null
  readonly plan: Plan
  readonly planText: string
  readonly planHash: string
  readonly approvals: readonly Approval[]
  /** When the first revision was requested, epoch ms. */
  readonly requestedAt: number
  /** The latest revision that was requested and did not fit any more; the next one needs a number above it. */
  readonly refusedRevision?: number
  /** The revision that opened it again after its last end; absent: it never ended before. */
  readonly reopenedBy?: number
  readonly steps: ReadonlyMap<string, StepState>
  readonly paused: boolean
  readonly aborted: { readonly actor: string; readonly reason: string } | null
  readonly openGates: ReadonlySet<string>
  /** Systems that said that their fence stands; only asked for when the plan has a barrier. */
  readonly fenced: ReadonlySet<string>
  /** Actions that systems hold and that no revision names yet: action ID → system. */
  readonly unplanned: ReadonlyMap<string, string>
  /** Latest `occurredAt` seen, epoch ms. */
  readonly lastEventAt: number
}

export interface Closed extends Common {
  readonly phase: 'closed'
  readonly proposal: RollbackProposed | null
  readonly plan: Plan
  readonly planText: string
  readonly planHash: string
  readonly approvals: readonly Approval[]
  readonly requestedAt: number
  /** The latest revision that was requested and did not fit any more; the next one needs a number above it. */
  readonly refusedRevision?: number
  readonly reopenedBy?: number
  readonly steps: ReadonlyMap<string, StepState>
  readonly closing: RollbackClosed
  readonly unplanned: ReadonlyMap<string, string>
}

/** Everything that the ledger says about one rollback. Null: nothing yet. */
export type RollbackState = Proposed | Planned | Running | Closed

/** The latest revision that was requested, taken or not: an end ends this one and all before it. 0: none. */
export function latestRevision(rollback: RollbackState): number {
  const taken = 'plan' in rollback ? rollback.plan.revision : 0
  return 'refusedRevision' in rollback ? Math.max(taken, rollback.refusedRevision ?? 0) : taken
}

/** The revision that opened it again after its last end; 1: it never ended before. */
export function reopenedBy(rollback: RollbackState): number {
  return 'reopenedBy' in rollback ? (rollback.reopenedBy ?? 1) : 1
}

export const END_STATES = [
  'RESTORED_VERIFIED',
  'RESTORED_UNVERIFIED',
  'PARTIAL',
  'DISCREPANCY_SURFACED',
  'ABANDONED',
] as const
export type EndState = (typeof END_STATES)[number]

/**
 * The same state in the one shape that all have. What was put together by spreading has a shape of its own each time, and
 * engines read and copy many shapes several times as slowly as one.
 */
export function inOneShape(state: Running): Running {
  const shaped: { -readonly [Key in keyof Running]: Running[Key] } = {
    phase: 'running',
    rollbackId: state.rollbackId,
    correlationId: state.correlationId,
    seen: state.seen,
    refusals: state.refusals,
    proposal: state.proposal,
    plan: state.plan,
    planText: state.planText,
    planHash: state.planHash,
    approvals: state.approvals,
    requestedAt: state.requestedAt,
    steps: state.steps,
    paused: state.paused,
    aborted: state.aborted,
    openGates: state.openGates,
    fenced: state.fenced,
    unplanned: state.unplanned,
    lastEventAt: state.lastEventAt,
  }
  if (state.begun !== undefined) shaped.begun = state.begun
  if (state.lastCommand !== undefined) shaped.lastCommand = state.lastCommand
  if (state.refusedRevision !== undefined) shaped.refusedRevision = state.refusedRevision
  if (state.reopenedBy !== undefined) shaped.reopenedBy = state.reopenedBy
  return shaped
}

/** The same for a step. */
export function stepInOneShape(state: StepState): StepState {
  return {
    step: state.step,
    progress: state.progress,
    round: state.round,
    resolution: state.resolution,
    attempts: state.attempts,
    firstStartedAt: state.firstStartedAt,
    changedAt: state.changedAt,
    openedAt: state.openedAt,
  }
}

/** A settled step no longer holds back the steps that wait for it. */
export function isSettled(progress: StepProgress): boolean {
  return progress.status === 'verified' || progress.status === 'skipped' || progress.status === 'resolved'
}
