import type { CapturedTable, Column } from '../layout.js'
import { any, itemText, keyMoved, same, touched } from './compare.js'
import { after, before, laterTable, logAs, mineTable } from './names.js'
import type { Net } from './net.js'
import { ident, numbers } from './quote.js'
import { reviewed, reviewQuery } from './review.js'

/** A transaction that began this many numbers before ours and wrote after us is still looked at, whatever its place. */
const SLACK = 100_000n

/** Columns that are undone by image and may conflict: differences commute, ignored ones are nobody's business. */
const images = (table: CapturedTable) => table.columns.filter(column => !column.ignore && !column.delta)
const hashOf = (item: string) => `UNHEX(SHA2(${item}, 256))`

/** mine_<rel>: the rows that are as before the action, when it wrote them last, and which columns of them. */
export function mineStatements(database: string, net: Net): readonly string[] {
  const { table } = net
  const mine = mineTable(database, table.rel)
  const flags = images(table).map(c => `t${c.number}`)
  const view = reviewed(table, net.folded)
  const more = ['n.seq', ...images(table).map(c => `${touched(c, view)} AS t${c.number}`)]
  const wanted = [`r.op <> 'U'`, ...flags.map(flag => `r.${flag}`)].join(' OR ')
  return [
    `DROP TEMPORARY TABLE IF EXISTS ${mine}`,
    `CREATE TEMPORARY TABLE ${mine} (hash BINARY(32) PRIMARY KEY, seq BIGINT UNSIGNED NOT NULL,
      op CHAR(1) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL${flags.map(flag => `, ${flag} BOOLEAN`).join('')}) ENGINE=InnoDB`,
    `INSERT IGNORE INTO ${mine} (hash, seq, op${flags.map(flag => `, ${flag}`).join('')})
      SELECT ${hashOf('r.item')}, r.seq, r.op${flags.map(flag => `, r.${flag}`).join('')}
      FROM (${reviewQuery(database, { ...net, later: false }, [], more)}) r WHERE r.verdict = 'restored' AND (${wanted})`,
  ]
}

/**
 * Entries that may hold a later write of these rows. Who wrote a row after an entry was published later or is not published yet;
 * an entry that its session went on with for a moment may have been overtaken, so those that began since are looked at too.
 */
export function candidatesQuery(
  database: string,
  since: { readonly id: string; readonly place: string | null },
): string {
  const d = ident(database)
  const first = BigInt(since.id) > SLACK ? BigInt(since.id) - SLACK : 0n
  const placed =
    since.place === null
      ? []
      : [`SELECT id, correlation_id FROM ${d}.entry WHERE place > ${numbers([since.place])}`]
  return [
    ...placed,
    `SELECT id, correlation_id FROM ${d}.entry WHERE place IS NULL`,
    `SELECT id, correlation_id FROM ${d}.entry WHERE id > ${first}`,
    `SELECT id, correlation_id FROM ${d}.open`,
  ].join(' UNION ')
}

/**
 * Who wrote such a row later: hash, tx, seq and correlation ID. Found under the name that the row had before or after that write.
 * @param entries derived table of (id, correlation_id).
 */
export function laterQuery(database: string, table: CapturedTable, entries: string): string {
  const changed = (c: Column) => `NOT ${same(c, `g.${before(c)}`, `g.${after(c)}`)}`
  const compared = table.columns.filter(column => !column.ignore)
  const overlap = `CASE WHEN g.op <> 'U' THEN TRUE WHEN m.op <> 'U' THEN ${any(compared, changed)}
      ELSE ${any(images(table), c => `(m.t${c.number} AND ${changed(c)})`)} END`
  const half = (side: typeof before, which: string) =>
    `SELECT m.hash, g.tx, g.seq, e.correlation_id FROM (${entries}) e
      STRAIGHT_JOIN ${logAs(database, table.rel, 'g')} ON g.tx = e.id
      STRAIGHT_JOIN ${mineTable(database, table.rel)} m ON m.hash = ${hashOf(itemText(table, c => `g.${side(c)}`))} AND m.seq < g.seq
      WHERE ${which} AND ${overlap}`
  return `${half(before, `g.op IN ('U', 'D')`)} UNION ALL ${half(after, `(g.op = 'I' OR ${keyMoved(table, 'g')})`)}`
}

/** later_<rel>: for each such row, the correlation ID that wrote it last. */
export function laterStatements(
  database: string,
  table: CapturedTable,
  entries: readonly string[],
): readonly string[] {
  const later = laterTable(database, table.rel)
  const d = ident(database)
  const list = numbers(entries)
  const from = `SELECT id, correlation_id FROM ${d}.entry WHERE id IN (${list}) UNION SELECT id, correlation_id FROM ${d}.open WHERE id IN (${list})`
  return [
    `DROP TEMPORARY TABLE IF EXISTS ${later}`,
    `CREATE TEMPORARY TABLE ${later} (hash BINARY(32) PRIMARY KEY, writer TEXT CHARACTER SET utf8mb4 NOT NULL) ENGINE=InnoDB`,
    `INSERT IGNORE INTO ${later} (hash, writer) SELECT f.hash, f.correlation_id FROM (${laterQuery(database, table, from)}) f ORDER BY f.seq DESC`,
  ]
}
