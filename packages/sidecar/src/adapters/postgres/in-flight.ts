import type { ReconciliationFinding } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import type { Database } from './database.js'
import { correlationLock } from './sql/base.js'
import { ident } from './sql/quote.js'

interface InFlightRow {
  pid: number
  application: string
  state: string
  /** Null: the sidecar's role may not see it. */
  since: Date | null
  ours: boolean
}

/**
 * Transactions that survived the fence: those that have written under the correlation ID and are still open, and those that began
 * before the fence, have written to a captured table, and have named no business transaction yet. A transaction that holds the lock of
 * another correlation ID is that one's, so ordinary traffic is no finding.
 *
 * @throws CallFailed
 */
export async function inFlight(
  database: Database,
  schema: string,
  { correlationId, rollbackId }: Pick<StepWork, 'correlationId' | 'rollbackId'>,
  signal: AbortSignal,
): Promise<readonly ReconciliationFinding[]> {
  const rows = await database.read<InFlightRow>(
    'unwind-in-flight',
    query(ident(schema)),
    [correlationId, rollbackId],
    signal,
  )
  return rows.map(({ pid, application, state, since, ours }) => {
    const began = since === null ? '' : `, begun ${since.toISOString()}`
    const what = ours
      ? `has written under ${correlationId} and is still open`
      : 'began before the fence, has written to a captured table, and is still open'
    return {
      kind: 'in-flight',
      stepId: null,
      // A process number is used again; together with the begin it is one transaction.
      subject: `transaction of process ${pid}${began}`,
      message: `a transaction of process ${pid} ${what}${began}`,
      details: [`application ${application === '' ? 'without a name' : application}, state ${state}`],
    }
  })
}

/** Only what the locks tell: no statement's text, which may hold anybody's data. */
function query(s: string): string {
  const here = '(SELECT d.oid FROM pg_database d WHERE d.datname = current_database())'
  return `
WITH advisory AS (
  SELECT l.pid, bool_or((l.classid::bigint << 32) | l.objid::bigint = ${correlationLock('$1')}) AS ours
  FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ShareLock' AND l.granted AND l.database = ${here}
  GROUP BY l.pid),
writing AS (
  SELECT DISTINCT l.pid FROM pg_locks l JOIN ${s}.captured c ON c.table_oid = l.relation AND c.active
  WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted AND l.database = ${here})
SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.state, 'unknown') AS state,
  a.xact_start AS since, coalesce(v.ours, false) AS ours
FROM pg_stat_activity a LEFT JOIN advisory v ON v.pid = a.pid LEFT JOIN writing w ON w.pid = a.pid
WHERE a.pid <> pg_backend_pid() AND (v.ours OR (v.pid IS NULL AND w.pid IS NOT NULL
  AND a.xact_start < (SELECT min(f.at) FROM ${s}.fence f WHERE f.correlation_id = $1 AND f.rollback_id = $2)))
ORDER BY a.xact_start NULLS LAST, a.pid`
}
