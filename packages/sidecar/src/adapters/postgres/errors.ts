import type { FailureCode, FieldDifference } from '@unwind/contracts'
import { DatabaseError } from 'pg'

/** Where a call was when it failed: before it was sent, nothing can have happened. */
export type Phase = 'connecting' | 'sent'

export interface Failure {
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
}

/** The call was given up by its caller or took longer than its bound; the server may still be at it. */
export class CallAbandoned extends Error {
  override readonly name = 'CallAbandoned'
}

const RETRY = 'It is tried again by itself. If it stays, look at the database.'
const RULES: readonly (readonly [pattern: RegExp, code: FailureCode, hint: string])[] = [
  [/^UW002$/, 'contract', ''],
  [/^UW003$/, 'contract', ''],
  [/^UW004$/, 'irreversible', ''],
  // The server says that it gave the transaction up: nothing was done.
  [/^(40001|40P01|55P03|57014)$/, 'transient', RETRY],
  [/^53/, 'transient', RETRY],
  [
    /^25006$/,
    'transient',
    'The database is a standby now. It is tried again; let adapter.url name the primary.',
  ],
  // The session was ended; whether before or after the commit, only a read can tell.
  [/^(08|57P)/, 'unknown', 'The sidecar reads the effect record before it tries again.'],
  [/^23/, 'conflict', ''],
  [/^22003$/, 'conflict', ''],
  [/^28|^3D/, 'contract', 'Check adapter.url: user, password and database.'],
  [
    /^42501$/,
    'contract',
    "Grant the sidecar's role SELECT, INSERT, UPDATE and DELETE on the captured tables, and all on the capture's schema.",
  ],
  [/^42/, 'contract', 'Run "unwind capture status": table and capture do not fit any more.'],
]

/**
 * What went wrong, as a code of the closed list. A code that no rule knows parks (`contract`): nothing is retriable by default.
 * @param reading the call changed nothing in any case, so an unknown outcome is only a failed read.
 */
export function classify(error: unknown, phase: Phase, reading: boolean): Failure {
  if (error instanceof DatabaseError && error.code !== undefined) {
    const rule = RULES.find(([pattern]) => pattern.test(error.code!))
    const [, code, hint] = rule ?? [
      null,
      'contract' as const,
      'Look at what the database says, repair it and retry the step.',
    ]
    const safe = code === 'unknown' && (reading || phase === 'connecting') ? 'transient' : code
    const detail = error.detail ? ` (${error.detail})` : ''
    return { code: safe, message: `${error.message}${detail} [${error.code}]`, hint: error.hint ?? hint }
  }
  const message = error instanceof Error ? error.message || error.name : String(error)
  if (phase === 'connecting')
    return {
      code: 'transient',
      message: `cannot connect: ${message}`,
      hint: 'Check that the database runs and adapter.url is right. It is tried again by itself.',
    }
  if (reading) return { code: 'transient', message, hint: RETRY }
  if (error instanceof CallAbandoned)
    return { code: 'timeout', message, hint: 'The sidecar reads the effect record before it tries again.' }
  return {
    code: 'unknown',
    message: `the connection broke: ${message}`,
    hint: 'The sidecar reads the effect record before it tries again.',
  }
}

/** The differences that a conflict carries; null: the error is not a conflict. */
export function conflictOf(error: unknown): readonly FieldDifference[] | null {
  if (!(error instanceof DatabaseError)) return null
  if (error.code === 'UW001') return parseDifferences(JSON.parse(error.detail ?? '[]'))
  if (error.code === undefined || !/^(23|22003$)/.test(error.code)) return null
  // A constraint stands against the undo: a value that was taken since, rows that refer to ours, a bound that would break.
  const said = [error.message, error.detail].filter(Boolean).join(': ')
  const item = error.table === undefined ? 'database' : `${error.schema ?? 'public'}.${error.table}`
  return [
    {
      item,
      field: error.constraint ?? error.column ?? '',
      before: null,
      after: null,
      current: JSON.stringify(said),
    },
  ]
}

export function parseDifferences(rows: readonly Record<string, unknown>[]): readonly FieldDifference[] {
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  return rows.map(row => ({
    item: String(row.item),
    field: String(row.field),
    before: text(row.before),
    after: text(row.after),
    current: text(row.current),
  }))
}
