/** A small, plausible bug: what somebody could get wrong in one line. */
export interface Mutant {
  readonly name: string
  /** Compiled file, from packages/. */
  readonly file: string
  /** Occurs exactly once in it. */
  readonly search: string
  readonly replacement: string
}
