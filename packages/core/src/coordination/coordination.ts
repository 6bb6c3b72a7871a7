import type { ApprovalRequested, EscalationRaised, LedgerEvent, Recorded } from '@unwind/contracts'
import type { ContractLookup, RecordedAction } from '../planning/input.js'
import type { VerifiedApproval } from '../policy/approvals-cover.js'
import type { Shown } from '../policy/people.js'
import type { Policy } from '../policy/policy.js'
import type { Signer } from '../policy/signer.js'
import type { StallFacts, StallOptions } from '../stall/stall.js'
import type { RollbackState } from '../unwind/state.js'

/** What one coordinator is, as far as a decision needs it. */
export interface Coordinator {
  /** Emitter of its events. */
  readonly principal: string
  /** Key with which they are signed: it also stands for what its policy approves. */
  readonly keyId: string
  readonly policy: Policy
  readonly stall: StallOptions
}

/** What a decision may look at besides the rollback itself. */
export interface CoordinationContext {
  /** Epoch ms. */
  readonly now: number
  /** False while history is being read again: fold, but say nothing, since the answer may lie further on. */
  readonly live: boolean
  /** Contracts in force now. */
  readonly contracts: ContractLookup
  /**
   * What whoever gave this approval may now: a key may have been revoked since, a role taken away. Null: nothing any more.
   * Absent: what they showed then.
   */
  readonly standing?: (given: GivenApproval, rollbackId: string) => Shown | null
  /** What is known of whoever proposes. Null or absent: what the policy says of them. */
  readonly shown?: (principal: string) => Shown | null
}

/** An approval, with what its approver showed of themselves when they gave it. */
export interface GivenApproval extends VerifiedApproval {
  readonly shown: Shown
}

/** Somebody took the decision alone. Others are paged, and one of them reviews it. */
export interface BrokenGlass {
  readonly revision: number
  readonly given: GivenApproval
  readonly reason: string
}

/** A revision of the plan that waits for people. */
export interface PendingApproval {
  readonly request: ApprovalRequested
  /** Approvals of this very plan whose signatures hold, by anybody but the proposer; one an approver. What counts is decided when it is requested. */
  readonly given: readonly GivenApproval[]
  readonly denied: boolean
}

export interface Escalated {
  readonly raised: EscalationRaised
  /** Who acknowledged it. Null: nobody yet. */
  readonly acknowledgedBy: string | null
}

/** One rollback as one coordinator sees it: what the ledger says, and what is under way in this process. */
export interface Coordination {
  readonly rollback: RollbackState
  /** Who asked for it; rules about persons look at this. */
  readonly proposedBy: string
  /** Whether the actions are being read for the first plan. `retryAt`: reading failed, epoch ms. */
  readonly planning:
    | { readonly status: 'idle' | 'reading' }
    | { readonly status: 'failed'; readonly retryAt: number }
  /** What systems found in their own undo logs, also what a revision names by now. */
  readonly late: readonly RecordedAction[]
  /** Event ID of the latest finding: the cause of the next revision. */
  readonly lateCause: string | null
  readonly pending: PendingApproval | null
  /** By revision; the first one of a revision stands. */
  readonly glass: ReadonlyMap<number, BrokenGlass>
  /** Escalations in the ledger, by ID. */
  readonly escalations: ReadonlyMap<string, Escalated>
  /** Records under this rollback's name that were not taken: what they claimed to be → what was wrong. */
  readonly refused: ReadonlyMap<string, string>
  /** Event IDs that this process has sent and not yet read back. */
  readonly sent: ReadonlySet<string>
  /** Another rollback holds what this one wants: nothing is requested until that one is out of the way. */
  readonly held: boolean
  /** Facts about the systems are being fetched. */
  readonly looking: boolean
  /** Deadlines up to this moment were looked at since the last event, epoch ms. */
  readonly lookedUpTo: number
  /** An outage of the broker explains all silence until then; no look before it, epoch ms. */
  readonly quietUntil: number
}

/** The same in the one shape that all have, as `inOneShape` does for a rollback, and for the same reason. */
export function coordination(state: Coordination): Coordination {
  return {
    rollback: state.rollback,
    proposedBy: state.proposedBy,
    planning: state.planning,
    late: state.late,
    lateCause: state.lateCause,
    pending: state.pending,
    glass: state.glass,
    escalations: state.escalations,
    refused: state.refused,
    sent: state.sent,
    held: state.held,
    looking: state.looking,
    lookedUpTo: state.lookedUpTo,
    quietUntil: state.quietUntil,
  }
}

export type CoordinationInput =
  /** @param approver whose key made the approval inside an ApprovalGranted; only with that event. */
  | { readonly kind: 'event'; readonly recorded: Recorded<LedgerEvent>; readonly approver?: Signer }
  /** Answer to `read-actions`: all actions recorded before the basis. `problems`: records left out, and why. */
  | {
      readonly kind: 'actions'
      readonly actions: readonly RecordedAction[]
      readonly basis: { readonly partition: number; readonly offset: string } | null
      readonly problems: readonly string[]
      /** The correlation ID is that of a rollback, which is itself to be rolled back. Absent: not known to be. */
      readonly inverse?: boolean
    }
  /** Answer to `read-actions`: they cannot be read for now. */
  | { readonly kind: 'no-actions'; readonly message: string; readonly hint: string; readonly retryAt: number }
  /** Answer to `look`. */
  | { readonly kind: 'facts'; readonly facts: StallFacts }
  /** A record under this rollback's ID was not taken. `claimed`: its event type. */
  | { readonly kind: 'refused'; readonly claimed: string; readonly message: string }
  /** An event could not be made sure in the ledger. */
  | { readonly kind: 'not-written'; readonly eventId: string; readonly retryAt: number }
  /** The request of the first revision was not sent: another rollback holds what it would touch. Null: not known yet who does. */
  | {
      readonly kind: 'held'
      readonly by: { readonly rollbackId: string; readonly on: string } | null
      readonly planHash: string
    }
  /** Whoever was in the way is not any more: ask again. */
  | { readonly kind: 'freed' }
  | { readonly kind: 'tick' }

export type CoordinationCommand =
  /** Read every action recorded so far under the correlation ID, no stale view; answer with `actions` or `no-actions`. */
  | { readonly kind: 'read-actions' }
  | { readonly kind: 'emit'; readonly event: LedgerEvent }
  /** Fetch facts about the systems; answer with `facts`. */
  | { readonly kind: 'look'; readonly systems: readonly string[] }
  /** Ask again at this moment, epoch ms. */
  | { readonly kind: 'wake'; readonly at: number }

export interface CoordinationDecision {
  /** Null: it has ended, or is not known; nothing to keep. */
  readonly state: Coordination | null
  readonly commands: readonly CoordinationCommand[]
}
