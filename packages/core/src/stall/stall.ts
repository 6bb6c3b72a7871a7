/** What is known of the processes behind a system, from announcements and from the consumer group. */
export interface SystemFacts {
  /** When a sidecar of this system last announced itself, epoch ms. Null: never. */
  readonly announcedAt: number | null
  /** Ledger records that its sidecar has not read yet. Not the group's committed offset, which stays behind on purpose. Null: not known. */
  readonly lag: number | null
  /** Live members of its consumer group at the last look. Null: not known. */
  readonly members: number | null
  /** When a look last saw a live member, epoch ms. Null: never. */
  readonly membersSeenAt: number | null
}

export interface StallFacts {
  /** Epoch ms. */
  readonly now: number
  /** Until then silence is explained by the broker, plus the time that it takes to catch up; epoch ms. Null: no outage. */
  readonly brokerOutageUntil: number | null
  readonly systems: ReadonlyMap<string, SystemFacts>
}

/** All milliseconds. */
export interface StallOptions {
  /** A system without a live sidecar is told about after this. Longer than a restart takes. */
  readonly absentAfterMs: number
  /** A plan that waits for approvals. */
  readonly approvalWithinMs: number
  /** A proposal that no coordinator has planned. */
  readonly planWithinMs: number
  /** Another rollback holds what this one would touch. */
  readonly claimWithinMs: number
  /** A pause that nobody has ended. */
  readonly pausedWithinMs: number
  /** A fence that has not been reported, after the request. */
  readonly fenceWithinMs: number
  /** Actions that were found and that no revision names yet. */
  readonly supplementWithinMs: number
  /** All steps have settled, and the rollback is not closed. */
  readonly closeWithinMs: number
}

export const DEFAULT_STALL_OPTIONS: StallOptions = {
  absentAfterMs: 15_000,
  approvalWithinMs: 5 * 60_000,
  planWithinMs: 60_000,
  claimWithinMs: 5 * 60_000,
  pausedWithinMs: 15 * 60_000,
  fenceWithinMs: 30_000,
  supplementWithinMs: 60_000,
  closeWithinMs: 60_000,
}

export type StallKind =
  /** The sidecar has not read what it is to do. */
  | 'not-consumed'
  /** It has, and nothing comes of it. */
  | 'stuck'
  /** Nothing is wrong here: another step is in the way. */
  | 'blocked'
  | 'waiting-for-person'
  /** Nobody acts for the system. */
  | 'absent'
  /** What a system found is not in the plan. */
  | 'late-action'

/** A rollback, or a part of it, that makes no progress though it should (I7). */
export interface Stall {
  readonly kind: StallKind
  readonly severity: 'warning' | 'critical'
  /** What stalls, unique with kind and round: a step ID, "gate <id>", "fence <system>", "approval r1", "pause", … */
  readonly subject: string
  readonly round: number
  readonly stepId: string | null
  readonly system: string | null
  /** Whom the system's contract names. */
  readonly owner: string | null
  /** Steps that are in the way; only for `blocked`. */
  readonly blockedBy: readonly string[]
  /** The moment that passed, epoch ms. */
  readonly dueAt: number
  readonly message: string
  readonly hint: string
}
