import type { FailureCode, FieldDifference } from '@unwind/contracts'
import { LATE_ERRNO } from './sql/entry.js'

/**
 * Where a call was when it failed. What has not been committed cannot have happened: only while the commit itself is under
 * way is the outcome unknown.
 */
export type Phase = 'connecting' | 'working' | 'committing'

export interface Failure {
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
}

/** What the server said. */
export interface ServerError extends Error {
  readonly errno: number
  readonly sqlState?: string
}

/** The call was given up by its caller or took longer than its bound; the server may still be at it. */
export class CallAbandoned extends Error {
  override readonly name = 'CallAbandoned'
}

/** A step that cannot be done, found by the adapter itself. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'
  constructor(
    readonly code: FailureCode,
    message: string,
    readonly hint: string,
  ) {
    super(message)
  }
}

/** Newer data is in the way (I6). */
export class StepConflict extends Error {
  override readonly name = 'StepConflict'
  constructor(readonly differences: readonly FieldDifference[]) {
    super('newer data is in the way')
  }
}

export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && typeof (error as ServerError).errno === 'number' && 'sqlMessage' in error
}

/** A constraint stands against a write: taken value, missing or referring row, a bound, a value that does not fit. */
const CONSTRAINTS = new Set([
  1022, 1048, 1062, 1169, 1216, 1217, 1264, 1451, 1452, 1557, 1690, 1761, 1762, 3819, 4025,
])
export const isConstraint = (error: unknown): error is ServerError =>
  isServerError(error) && CONSTRAINTS.has(error.errno)

/** Said instead of a commit, these mean that there was none. Any other error there leaves it open. */
const GIVEN_UP = new Set([1020, 1205, 1213])

const READ_FIRST = 'The sidecar reads the effect record before it tries again.'
const RETRY = 'It is tried again by itself. If it stays, look at the database.'
const RULES: readonly (readonly [numbers: readonly number[], code: FailureCode, hint: string])[] = [
  // Deadlock, lock wait, statement time-out, killed query, row changed since the snapshot: the server gave it up.
  [[1020, 1205, 1213, 1317, 1614, 1969, 3024], 'transient', RETRY],
  // Too many connections, out of resources, a server that goes away.
  [[1037, 1038, 1040, 1041, 1053, 1203, 1226, 1927, 3168], 'transient', RETRY],
  [
    [1290, 1792, 1836],
    'transient',
    'The server takes no writes now (a replica?). It is tried again; let adapter.url name the primary.',
  ],
  [[1044, 1045, 1049, 1698, 1130, 4151], 'contract', 'Check adapter.url: user, password, host and database.'],
  [
    [1142, 1143, 1227, 1370],
    'contract',
    "Grant the sidecar's user SELECT, INSERT, UPDATE and DELETE on the captured tables, and all on the capture's database.",
  ],
  [
    [1054, 1136, 1146, 1176, 1305],
    'contract',
    'Run "unwind capture status": table and capture do not fit any more.',
  ],
  [
    [1265, 1292, 1366, 1406],
    'contract',
    'A value of the log does not fit into its column any more: undo it by hand and resolve the step.',
  ],
  [[LATE_ERRNO], 'conflict', ''],
]

/**
 * What went wrong, as a code of the closed list. A code that no rule knows parks (`contract`): nothing is retriable by default.
 * @param reading the call changed nothing in any case.
 */
export function classify(error: unknown, phase: Phase, reading: boolean): Failure {
  if (error instanceof StepFailed) return { code: error.code, message: error.message, hint: error.hint }
  if (isServerError(error) && phase === 'committing' && !GIVEN_UP.has(error.errno))
    return { code: 'unknown', message: `${textOf(error)} [${error.errno}]`, hint: READ_FIRST }
  if (isServerError(error)) {
    const rule = RULES.find(([numbers]) => numbers.includes(error.errno))
    const [, code, hint] = rule ?? [
      null,
      isConstraint(error) ? ('conflict' as const) : ('contract' as const),
      'Look at what the database says, repair it and retry the step.',
    ]
    return { code, message: `${textOf(error)} [${error.errno}]`, hint }
  }
  const message = error instanceof Error ? error.message || error.name : String(error)
  if (phase === 'connecting')
    return {
      code: 'transient',
      message: `cannot connect: ${message}`,
      hint: 'Check that the database runs and adapter.url is right. It is tried again by itself.',
    }
  if (reading || phase === 'working')
    return { code: 'transient', message: `${message}; nothing was committed`, hint: RETRY }
  if (error instanceof CallAbandoned) return { code: 'timeout', message, hint: READ_FIRST }
  return {
    code: 'unknown',
    message: `the connection broke while the effect was being committed: ${message}`,
    hint: READ_FIRST,
  }
}

/** A constraint's message as a difference: it names the constraint, and no row of ours could. */
export function constraintDifference(error: ServerError, item: string): FieldDifference {
  const said = textOf(error)
  const name =
    /CONSTRAINT `([^`]+)`/.exec(said)?.[1] ??
    /for key '([^']+)'/.exec(said)?.[1] ??
    /(?:column|Column) '([^']+)'/.exec(said)?.[1] ??
    ''
  return { item, field: name, before: null, after: null, current: JSON.stringify(said) }
}

/** The driver puts the statement into some messages; rows of a person do not belong into logs. */
function textOf(error: ServerError): string {
  const said = (error as { sqlMessage?: unknown }).sqlMessage
  return typeof said === 'string' && said !== '' ? said : error.message
}
