/** A promise that a history broke. */
export interface Violation {
  /** "I1" to "I8"; "no error" where code threw. */
  readonly invariant: string
  readonly message: string
  /** Simulated time, ms after the beginning. */
  readonly at: number
}
