import type { CapturedTable } from '../layout.js'
import { keyColumns } from '../layout.js'
import { itemText, rowHash } from './compare.js'
import { after, before, logAs } from './names.js'
import { numbers } from './quote.js'

/** What each entry did to one table, without any image: counts, first row and last number. */
export function countsQuery(database: string, table: CapturedTable, entries: readonly string[]): string {
  const item = itemText(table, c => `COALESCE(l.${after(c)}, l.${before(c)})`)
  return `SELECT e.*, (SELECT ${item} FROM ${logAs(database, table.rel, 'l')} WHERE l.tx = e.tx AND l.seq = e.first AND l.op <> 'X') AS item FROM (
      SELECT n.tx, SUM(n.op = 'I') AS inserted, SUM(n.op = 'U') AS updated, SUM(n.op = 'D') AS deleted, SUM(n.op = 'X') AS unseen,
        MIN(n.seq) AS first, MAX(n.seq) AS last
      FROM ${logAs(database, table.rel, 'n')} WHERE n.tx IN (${numbers(entries)}) GROUP BY n.tx) e ORDER BY e.tx`
}

/** The number of each entry's last change in one table. */
export function lastQuery(database: string, table: CapturedTable, entries: readonly string[]): string {
  return `SELECT n.tx, MAX(n.seq) AS last FROM ${logAs(database, table.rel, 'n')} WHERE n.tx IN (${numbers(entries)}) GROUP BY n.tx`
}

/**
 * Digests of the rows as the entries left them ("left": a row that was changed more than once left only its last image) or, of the
 * undo's own entries, as it found them ("found"), by the first two digits of the rows' hashes.
 */
export function digestQuery(
  database: string,
  table: CapturedTable,
  entries: readonly string[],
  which: 'left' | 'found',
): string {
  const left = which === 'left'
  const item = itemText(table, c =>
    left ? `COALESCE(n.${after(c)}, n.${before(c)})` : `COALESCE(n.${before(c)}, n.${after(c)})`,
  )
  const hash = rowHash(
    table,
    item,
    c => `n.${left ? after(c) : before(c)}`,
    left ? `n.op <> 'D'` : `n.op <> 'I'`,
  )
  const key = keyColumns(table).map(c => `COALESCE(n.${after(c)}, n.${before(c)})`)
  const latest = left
    ? `, ROW_NUMBER() OVER (PARTITION BY n.tx, ${key.join(', ')} ORDER BY n.seq DESC) AS age`
    : ', 1 AS age'
  return `SELECT h.tx, LEFT(h.hash, 2) AS bucket, SHA2(GROUP_CONCAT(h.hash ORDER BY h.hash SEPARATOR ''), 256) AS digest
    FROM (SELECT n.tx, ${hash} AS hash${latest} FROM ${logAs(database, table.rel, 'n')}
      WHERE n.tx IN (${numbers(entries)}) AND n.op <> 'X') h
    WHERE h.age = 1 GROUP BY h.tx, LEFT(h.hash, 2) ORDER BY h.tx, bucket`
}
