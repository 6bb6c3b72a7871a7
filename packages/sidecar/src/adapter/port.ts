import type {
  ActionContract,
  ConflictPolicy,
  Contract,
  FailureCode,
  FieldDifference,
  PlannedAction,
  ReconciliationFinding,
} from '@unwind/contracts'

/**
 * What a kind of system must be able to do to take part. The loop decides when; an adapter only acts and reads.
 * One conformance suite holds every adapter to the obligations that stand here.
 */
export interface Adapter {
  readonly kind: string
  readonly features: AdapterFeatures
  /**
   * Connects and checks that target and contract fit (tables, keys, captured columns, reachable URLs).
   * @throws ContractError naming contract, key and what to do; nothing is repaired silently.
   */
  start(): Promise<void>
  /**
   * The rollbacks of these correlation IDs have begun. For each: puts the fence in place where the target can (I2, late
   * writers), waits for forward transactions of that ID that are in flight, and returns every action that the target
   * itself knows under that ID. One round trip for all of them. Idempotent.
   */
  fence(requests: readonly FenceRequest[], signal: AbortSignal): Promise<readonly FenceReport[]>
  /**
   * Undoes the actions of one step. Repeated calls with the same `key` have one effect, also when two processes call at
   * once. Never throws for what the target does: every outcome is a value, and an unknown outcome is said to be unknown.
   */
  undo(work: StepWork, signal: AbortSignal): Promise<UndoResult>
  /**
   * Reads the state back, in a transaction or request of its own; changes nothing (I3).
   * @param patience "settle" (default): where reads may lag behind writes, wait until they have had time to catch up.
   * "glance": answer with what is seen now, because nothing is known to have been written.
   */
  probe(work: StepWork, signal: AbortSignal, patience?: 'settle' | 'glance'): Promise<ProbeResult>
  /** What `undo` would meet, without touching anything: for `unwind plan`. */
  preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview>
  /**
   * What else is wrong in the target after a rollback has ended: replicas that show another state, transactions that survived
   * the fence. Changes nothing. Absent: this kind of target has nothing to search. Rejects when it could not look.
   */
  inspect?(work: StepWork, signal: AbortSignal): Promise<readonly ReconciliationFinding[]>
  /** Forward actions that the target captured and nobody has published yet. Absent: the system's services record them. */
  readonly capture?: CaptureSource
  /** Idempotent, bounded. */
  stop(): Promise<void>
}

export interface AdapterFeatures {
  /**
   * True: the effect and the record that it happened are written together in the target, so repeating `undo` is always
   * safe. False: `CompensationStarted` is the intent, is written before `undo`, and an interrupted attempt is probed first.
   */
  readonly atomicEffect: boolean
  /** The target knows its own actions by correlation ID, so `fence` finds those that a plan does not name. */
  readonly findsActions: boolean
  /** What an undo writes is captured under the rollback's ID by the target itself. Absent: the loop records it. */
  readonly recordsCompensations?: boolean
  /** "stops": late forward actions fail. "exposes": they are seen. "none": the target has no place for a fence. */
  readonly fence: 'stops' | 'exposes' | 'none'
}

export interface FenceRequest {
  readonly correlationId: string
  readonly rollbackId: string
}

export interface FoundAction {
  readonly actionId: string
  readonly action: string
  readonly resource: string | null
  readonly occurredAt: number
  readonly data: string
}

export type FenceReport =
  | { readonly kind: 'fenced'; readonly rollbackId: string; readonly found: readonly FoundAction[] }
  | {
      readonly kind: 'failed'
      readonly rollbackId: string
      readonly code: FailureCode
      readonly message: string
    }

/** One step, as an adapter sees it. */
export interface StepWork {
  readonly rollbackId: string
  readonly correlationId: string
  readonly stepId: string
  /** Idempotency key towards the target: of the step, never of the attempt. */
  readonly key: string
  /** Undo in this order. */
  readonly actions: readonly PlannedAction[]
  /** What a named actor chose for conflicts; null: what the contract says, by action or table. */
  readonly resolution: Exclude<ConflictPolicy, 'park'> | null
  /** W3C traceparent to pass on. */
  readonly traceparent: string | null
  /**
   * When the ledger first saw this step started, in any round, epoch ms. Null or absent: never before; 0: nobody knows when. A target forgets
   * idempotency keys after a while; an adapter must not send a key that is older than that (I2).
   */
  readonly firstStartedAt?: number | null
  /**
   * Tells people what the target says while it is undone, a line at a time, for the timeline. Without secrets: the ledger
   * keeps it for ever. Never waits and never fails; what comes too fast or too long is shortened. Absent: nobody listens.
   */
  readonly progress?: (line: string) => void
  /**
   * Aborted when a person pauses or aborts the rollback; its reason is "pause" or "abort". What has begun is let finish, but an
   * undo that rests between stages stops there and says what it has reached. Absent: nobody can stop it.
   */
  readonly halt?: AbortSignal
}

export type UndoResult =
  /** The effect happened in this call, or had happened before under the same key. */
  | {
      readonly kind: 'applied'
      readonly before: boolean
      readonly items: number
      readonly fromDigest: string | null
      readonly notes: readonly string[]
    }
  /** Nothing was changed; newer data is in the way (I6). */
  | { readonly kind: 'conflict'; readonly differences: readonly FieldDifference[] }
  | {
      readonly kind: 'failed'
      readonly code: FailureCode
      readonly message: string
      readonly hint: string
      readonly retryAfterMs?: number
    }

export type ProbeResult =
  | {
      readonly kind: 'seen'
      readonly restored: number
      readonly expected: number
      /** Items that are not restored because a named actor or the contract's policy kept newer data. Part of `expected`, not of `restored`. */
      readonly kept: number
      readonly digest: string | null
      readonly differences: readonly FieldDifference[]
      /** How it was read, for the ledger: "select by primary key", "GET /payments/p_1". */
      readonly how: string
    }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly message: string; readonly hint: string }

export interface UndoPreview {
  readonly items: number
  readonly conflicts: readonly FieldDifference[]
  readonly problems: readonly string[]
}

/** A target's own log of forward actions, relayed to `unwind.actions` without gaps. */
export interface CaptureSource {
  /**
   * The next committed actions after the cursor that the target itself keeps, in commit order, none skipped although
   * transactions commit out of order. Empty: nothing new. Only one process relays at a time (the target hands out a lease).
   */
  next(limit: number, signal: AbortSignal): Promise<readonly CapturedAction[]>
  /** Everything up to this action is in the topic: moves the cursor. */
  published(last: CapturedAction): Promise<void>
}

export interface CapturedAction extends FoundAction {
  readonly correlationId: string
  readonly items: number
  readonly digest: string | null
  /** Where it lies in the target's log; opaque to the relay. */
  readonly cursor: string
}

/** What an adapter is made from. */
export interface AdapterContext {
  readonly contract: Contract
  actionContract(action: string): ActionContract | undefined
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** Named crash points, no-ops unless a test injects them. */
  failpoint(name: string): Promise<void>
}

export class ContractError extends Error {
  override readonly name = 'ContractError'
}
