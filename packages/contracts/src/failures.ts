/** What the sidecar does next when an attempt ends in a failure code. */
export type Disposition =
  /** Wait with jitter, then the same idempotency key again. */
  | 'retry'
  /** The outcome is not known: probe, and only then retry the same key or park. */
  | 'probe-first'
  /** Stop and wait for a person. */
  | 'park'
  /** Set the record aside in the dead-letter topic, and park what it was about. */
  | 'quarantine'
  /** Do nothing, and alarm. */
  | 'reject'
  /** Say it to people; there is nothing to do automatically. */
  | 'surface'
  /** Tell the owner of the system. */
  | 'escalate'

/** Closed list. Error class = what to do next; nothing is retriable by default. */
export const FAILURE_CODES = {
  transient: { disposition: 'retry', means: 'The target was not reachable or busy; nothing was done.' },
  timeout: { disposition: 'probe-first', means: 'No answer in time; it may or may not have been done.' },
  unknown: {
    disposition: 'probe-first',
    means: 'The connection broke at a moment at which it may have been done.',
  },
  conflict: { disposition: 'park', means: 'The target holds newer data than the action left.' },
  contract: {
    disposition: 'park',
    means: "The contract, its version or the target's structure does not fit the action.",
  },
  poison: { disposition: 'quarantine', means: 'The record cannot be read.' },
  unauthorised: { disposition: 'reject', means: 'No valid chain of authority for exactly this plan.' },
  irreversible: { disposition: 'surface', means: 'The action cannot be undone.' },
  absent: { disposition: 'escalate', means: 'No sidecar acts for this system.' },
} as const satisfies Record<string, { disposition: Disposition; means: string }>

export type FailureCode = keyof typeof FAILURE_CODES

export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURE_CODES, code)
}

/** @returns the disposition of a code; an unlisted code parks, because an unknown failure must surface. */
export function dispositionOf(code: string): Disposition {
  return isFailureCode(code) ? FAILURE_CODES[code].disposition : 'park'
}
