import type { Violation } from '../invariants/violation.js'
import type { FaultKind } from '../scenario/kinds.js'

/** Histories of consecutive seeds that a worker is to run. */
export interface Job {
  readonly seed: number
  readonly histories: number
  /** It may stop at so many failures. */
  readonly most: number
}

/** A history that broke a promise. Its seed is all that it takes to see it again. */
export interface Failure {
  readonly seed: number
  readonly violation: Violation
}

/** What became of a job. */
export interface Done {
  readonly seed: number
  readonly histories: number
  readonly events: number
  readonly injected: readonly (readonly [FaultKind, number])[]
  readonly failures: readonly Failure[]
  /** Processor time, all threads of the worker. */
  readonly cpuSeconds: number
  /** An error that nobody waited for left the worker in an unknown state: it takes no more jobs. */
  readonly spent: boolean
}

/** Said about once a second: the worker has come as far as this seed. */
export interface Running {
  readonly running: number
}
