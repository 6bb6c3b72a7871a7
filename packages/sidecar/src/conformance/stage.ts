import type { LedgerEvent, RollbackClosed } from '@unwind/contracts'
import type { AdapterFixture, Forward, Target, TargetOptions } from './fixture.js'

/** One `unwind sidecar` process of its own, as people run it. */
export interface SidecarProcess {
  /** Resolves with the signal or the exit code. */
  readonly ended: Promise<string | number>
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void
}

/**
 * A small company on real Kafka around one adapter, for the cases that concern whole processes: a coordinator, a service that
 * records and proposes, and sidecar processes that the case starts and ends.
 */
export interface Stage {
  readonly fixture: AdapterFixture
  /** System of the case, and so the ID of its step. */
  readonly system: string
  correlationId(): string
  target(over?: Partial<Omit<TargetOptions, 'system'>>): Promise<Target>
  /**
   * Starts a sidecar process by the target's contract, and resolves when it follows the ledger.
   * @param failpoints of UNWIND_FAILPOINTS: "sidecar.before-effect=kill@2".
   */
  sidecar(target: Target, failpoints?: string): Promise<SidecarProcess>
  /** Resolves when the actions topic has a forward action: recorded by its service, or relayed by a running sidecar. */
  recorded(forward: Forward): Promise<void>
  /** @returns the rollback's ID. */
  propose(correlationId: string): Promise<string>
  /** What the ledger says of a rollback so far, as IDs relative to it: "requested/r1", "orders/completed/0". */
  story(rollbackId: string): readonly string[]
  /** Resolves with the event of this relative ID. */
  event(rollbackId: string, id: string): Promise<LedgerEvent>
  closed(rollbackId: string): Promise<RollbackClosed>
  /** Writes the very records of these events into the ledger once more, in this order. */
  deliverAgain(rollbackId: string, ids: readonly string[]): Promise<void>
  /** What a named actor decides about a parked step. */
  resolve(rollbackId: string, resolution: 'keep' | 'force' | 'merge'): Promise<void>
}
