import type { FieldDifference } from '@unwind/contracts'
import type { Row, Session } from '../database.js'
import type { Net } from '../sql/net.js'
import { differencesQuery, type Verdict } from '../sql/review.js'

/** Rows whose differences are told, a table: nobody reads more, and the ledger carries them. */
const MOST_ROWS = 100

/** Field by field, what stands between a table and its state before the action. */
export async function differencesOf(
  session: Session,
  database: string,
  net: Net,
  undoEntries: readonly string[],
  only: Verdict | null,
): Promise<readonly FieldDifference[]> {
  const rows = await session.rows(differencesQuery(database, net, undoEntries, only, MOST_ROWS))
  return rows.flatMap(row => ofRow(net, row))
}

function ofRow(net: Net, row: Row): readonly FieldDifference[] {
  const item = row.item ?? net.table.label
  const [inserted, deleted, present] = [row.op === 'I', row.op === 'D', row.present === '1']
  const whole = '"row"'
  if (row.writer)
    return [
      {
        item,
        field: '',
        before: inserted ? null : whole,
        after: deleted ? null : whole,
        current: JSON.stringify(
          `as before the action, but only by a later write under correlation ID ${row.writer}: roll that back first, then retry`,
        ),
      },
    ]
  const differences: FieldDifference[] = []
  // When the row itself is there or not there against expectation, no column tells it.
  if (!present || row.unchanged === '1')
    differences.push({
      item,
      field: '',
      before: inserted ? null : whole,
      after: deleted ? null : whole,
      current: present ? whole : null,
    })
  if (!present) return differences
  for (const column of net.table.columns) {
    const { number, name } = column
    if (row[`s${number}`] !== '1') continue
    differences.push({
      item,
      field: name,
      before: inserted ? null : (row[`o${number}`] ?? null),
      after: deleted ? null : (row[`n${number}`] ?? null),
      current: row[`c${number}`] ?? null,
    })
  }
  return differences
}
