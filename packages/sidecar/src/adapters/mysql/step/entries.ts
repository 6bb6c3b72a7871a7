import type { Session } from '../database.js'
import { StepFailed } from '../errors.js'
import { ident, numbers } from '../sql/quote.js'

/** @throws StepFailed when the log does not hold every named entry under this correlation ID. */
export async function resolveEntries(
  session: Session,
  database: string,
  correlationId: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const rows = await session.rows<{ id: string }>(
    `SELECT id FROM ${ident(database)}.entry WHERE correlation_id = ? AND id IN (${numbers(ids)})`,
    [correlationId],
  )
  const held = new Set(rows.map(row => row.id))
  const gone = ids.filter(id => !held.has(id))
  if (gone.length > 0)
    throw new StepFailed(
      'contract',
      `the undo log holds no entry ${gone.join(', ')} of correlation ID ${correlationId}`,
      'It was older than the retention, or belongs to another database. Resolve the step by hand.',
    )
  return ids
}
