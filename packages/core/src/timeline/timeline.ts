import type { ActionEvent, EventType, LedgerEvent, Recorded } from '@unwind/contracts'
import type { Aftermath } from '../aftermath/summary.js'
import type { EndState, RollbackState, StepStatus } from '../unwind/state.js'

/** An event, where it lies, and when this process read it (epoch ms; for people, never for order or comparison). */
export type TimelineRecord = Recorded<LedgerEvent | ActionEvent> & {
  readonly receivedAt?: number
  /** W3C trace context of the record, when it has one. */
  readonly traceparent?: string
}

export type Severity = 'info' | 'good' | 'warning' | 'critical'

/** One thing that happened. JSON-safe: it is stored in views and sent as it is. */
export interface TimelineEntry {
  readonly eventId: string
  /** `offset` as text: it does not fit into a number. */
  readonly position: { readonly topic: string; readonly partition: number; readonly offset: string }
  /** By the emitter's clock, epoch ms. */
  readonly at: number
  readonly receivedAt: number | null
  readonly causationId: string | null
  readonly rollbackId: string | null
  readonly system: string | null
  readonly stepId: string | null
  /** Trace in which it was emitted, 32 hex digits. Null: none was given. */
  readonly traceId: string | null
  readonly kind: EventType
  /** One line: what happened. */
  readonly title: string
  /** What a person needs beyond that; "" when there is nothing. */
  readonly detail: string
  readonly severity: Severity
}

/** A step: what was planned beside what happened. */
export interface StepRow {
  readonly stepId: string
  readonly system: string
  readonly planned: {
    readonly tier: number
    readonly waitsFor: readonly string[]
    readonly actions: number
  }
  readonly actual: {
    readonly status: StepStatus
    /** "undone", "already-restored", "kept", "merged"; for skipped and resolved ones who did it. */
    readonly outcome: string | null
    /** Place among the steps in the order of their first start, from 1. Null: not started. */
    readonly place: number | null
    /** Over all rounds. */
    readonly attempts: number
    readonly startedAt: number | null
    readonly settledAt: number | null
    /** From the first start to settled, milliseconds. */
    readonly durationMs: number | null
    /** Fidelity: items that the probe saw restored, of those expected. Null: no probe. */
    readonly restored: number | null
    readonly expected: number | null
    /** It started after all that it waits for had settled (I4). Null: not started. */
    readonly inOrder: boolean | null
    /** Digest of the state before the undo, and of the state that the probe saw. Null: not known. */
    readonly fromDigest: string | null
    readonly toDigest: string | null
  }
}

/** Somebody stepped in. */
export interface CommandRow {
  readonly command: string
  readonly stepId: string | null
  readonly actor: string
  readonly reason: string
  readonly resolution: string | null
  readonly evidence: string | null
  /** Epoch ms. */
  readonly at: number
}

/** One rollback of this correlation ID. */
export interface RollbackSummary extends Aftermath {
  readonly rollbackId: string
  /** "unknown": the log holds events of it, and not its request. */
  readonly phase: RollbackState['phase'] | 'unknown'
  readonly endState: EndState | null
  /** The end state with what came after it: "RESTORED_VERIFIED, then 1 anomaly". Null: it has not ended. */
  readonly end: string | null
  readonly reason: string | null
  readonly proposedBy: string | null
  readonly revision: number | null
  readonly requestedAt: number | null
  readonly closedAt: number | null
  /** From the request to the end, milliseconds; while it runs, to its last event. */
  readonly durationMs: number | null
  readonly restored: number
  readonly expected: number
  /** In the order of the plan. */
  readonly steps: readonly StepRow[]
  /** In the order of the log. */
  readonly commands: readonly CommandRow[]
  /** What is not as it was, as the end says. */
  readonly remaining: readonly string[]
  /** What the fold would not take. */
  readonly refusals: readonly string[]
  /** Alarms that nobody has acknowledged. */
  readonly openEscalations: readonly string[]
}

/** Everything that is known of one business transaction. */
export interface Timeline {
  readonly correlationId: string
  /** By cause; what has nothing to do with each other in the order of the log, actions first. */
  readonly entries: readonly TimelineEntry[]
  /** In the order in which they began. */
  readonly rollbacks: readonly RollbackSummary[]
}
