/**
 * What each exit code means: one table, printed in the help and in the reference. Scripts depend on it, so a code never
 * changes its meaning.
 */
export const EXIT_CODES = {
  ok: { code: 0, means: 'Done. For a rollback: it ended RESTORED_VERIFIED.' },
  failure: { code: 1, means: 'It did not work, or it was refused; the message says why.' },
  usage: { code: 2, means: 'An option, an argument, the configuration or a contract file is wrong.' },
  notRestored: { code: 3, means: 'The rollback ended, but not RESTORED_VERIFIED.' },
  waiting: {
    code: 4,
    means: 'The rollback has not ended: it is under way, parked, paused, or waits for approval.',
  },
  unreachable: {
    code: 5,
    means:
      'Something needed does not answer (Kafka, registry, Redis, Postgres, coordinator), or a check of `doctor` failed.',
  },
  notFound: { code: 6, means: 'There is no such rollback, correlation ID or step.' },
  interrupted: { code: 130, means: 'Stopped by Ctrl-C before it was done.' },
} as const satisfies Record<string, { code: number; means: string }>

export type ExitName = keyof typeof EXIT_CODES

/** Exit code of a rollback: green only for restored and verified (never by default). */
export function exitOfRollback(rollback: {
  readonly phase: string
  readonly endState: string | null
}): ExitName {
  if (rollback.phase === 'denied') return 'notRestored'
  if (rollback.phase !== 'closed') return 'waiting'
  return rollback.endState === 'RESTORED_VERIFIED' ? 'ok' : 'notRestored'
}
