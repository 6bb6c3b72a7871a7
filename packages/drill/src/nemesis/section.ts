import type { Check } from './report.js'

/** What every section of the fault tests is given. */
export interface SectionContext {
  readonly seed: number
  /** A git-ignored folder for data and logs of servers. */
  readonly stateDir: string
  /** A folder for contracts and keys of sites; emptied at the start. */
  readonly dir: string
  /** At each failpoint. */
  readonly kills: number
  /** Failpoints that were not reached so often by then are given up, ms. */
  readonly killsWithinMs: number
  /** Failpoints whose name holds this; absent: all. */
  readonly failpoints?: string
  readonly pauses: number
  readonly outageMs: number
  /** Rollbacks that are open when the brokers go away. */
  readonly openRollbacks: number
  /** Servers that are being started stop when it aborts. */
  readonly signal: AbortSignal
  say(line: string): void
}

export interface Section {
  readonly name: string
  /** What is done, for the usage text. */
  readonly about: string
  run(context: SectionContext): Promise<readonly Check[]>
}
