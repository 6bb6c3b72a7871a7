import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import { after, before, logTable } from './capture.js'
import {
  any,
  current,
  deltaTouched,
  foreign,
  imageText,
  itemText,
  keyMatch,
  keyMoved,
  ours,
  rowDiffers,
  rowHash,
  same,
} from './compare.js'
import { concerned, laterDifference } from './later.js'
import { ident, literal, qualified } from './quote.js'

/**
 * review_<rel>(transactions, single, undo transaction, seq): each net change against the current row, changing nothing.
 * verdict: restored · ours (can be undone) · delta (differences still to be undone) · conflict.
 * For preview, for probe, and for the explanation of a conflict.
 *
 * What can a later, separate read prove of a column that others keep changing? Not its value. The undo's own writes were
 * logged by the table's trigger in the undo's transaction; so `delta` is restored when that log, which only a committed
 * transaction shows, holds exactly the inverse difference, and the row is still there. The same evidence stands for rows
 * of tables without a key.
 *
 * Before the undo (no undo transaction) a row that is as before only by a later business transaction is a conflict that names it:
 * see later.ts. After the undo it is not asked again, since what comes then is newer than the undo.
 */
export function reviewFunction(schema: string, table: CapturedTable): string {
  const s = ident(schema)
  const keyed = table.key.length > 0
  const deltas = table.columns.filter(column => column.delta)
  const needsEvidence = deltas.length > 0 || !keyed
  const item = keyed
    ? `CASE n.op WHEN 'D' THEN ${itemText(table, 'before')} ELSE ${itemText(table, 'after')} END`
    : itemText(table, 'after')
  const image = imageText(table, column => current(column))
  const rows = `
    SELECT n.op, n.seq, ${item} AS item, z.verdict, ${keyed ? concerned(table) : 'NULL'} AS concerned,
      CASE WHEN z.verdict <> 'restored' THEN ${differences(table, item)} END AS differences,
      ${rowHash(item, `CASE WHEN t.present THEN ${image} END`)} AS hash
    FROM ${s}.net_${table.rel}(p_tx, p_single, p_seq) n
    ${needsEvidence ? evidenceJoin(schema, table, deltas) : ''}
    LEFT JOIN LATERAL (${currentRow(schema, table)}) t ON true
    CROSS JOIN LATERAL (SELECT ${keyed ? keyedVerdict(table, deltas) : rowVerdict(table)} AS verdict) z
    WHERE coalesce(n.op, '') <> ''`
  // A scalar subquery is evaluated once and its value passed on; joined, the map would be copied for every row.
  const writes = `((SELECT l.writes FROM l) -> (v.item || '#' || c))`
  return `
CREATE OR REPLACE FUNCTION ${s}.review_${table.rel}(p_tx bigint[], p_single boolean, p_undo bigint, p_seq pg_lsn)
RETURNS TABLE (op "char", item text, verdict text, differences jsonb, hash bytea)
LANGUAGE plpgsql STABLE ROWS 1 AS $unwind$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  ${
    keyed
      ? `WITH v AS MATERIALIZED (${rows}),
  l AS MATERIALIZED (
    SELECT ${s}.later_${table.rel}(p_tx, min(f.seq), array_agg(f.item)) AS writes
    FROM v f WHERE p_undo IS NULL AND f.verdict = 'restored' AND f.concerned IS NOT NULL)
  SELECT v.op, v.item, CASE WHEN x.by IS NULL THEN v.verdict ELSE 'conflict' END,
    CASE WHEN x.by IS NULL THEN v.differences ELSE ${laterDifference('v.item', 'v.op', 'x.by')} END, v.hash
  FROM v LEFT JOIN LATERAL (
    SELECT ${writes} ->> 'by' AS by FROM unnest(v.concerned) c
    WHERE v.verdict = 'restored' AND (${writes} ->> 'seq')::pg_lsn > v.seq LIMIT 1) x ON p_undo IS NULL`
      : `SELECT v.op, v.item, v.verdict, v.differences, v.hash FROM (${rows}) v`
  };
END $unwind$`
}

/** tally_<rel>: the review in four numbers, with the rows counted in which newer data was kept under this key. */
export function tallyFunction(schema: string, table: CapturedTable): string {
  const s = ident(schema)
  return `
CREATE OR REPLACE FUNCTION ${s}.tally_${table.rel}(p_tx bigint[], p_single boolean, p_undo bigint, p_key text,
  OUT expected bigint, OUT restored bigint, OUT kept bigint, OUT hash bytea)
LANGUAGE plpgsql STABLE AS $unwind$
BEGIN
  SELECT count(*), count(*) FILTER (WHERE r.verdict = 'restored'),
      count(*) FILTER (WHERE r.verdict <> 'restored' AND EXISTS (SELECT FROM ${s}.kept k WHERE k.key = p_key AND k.item = r.item)),
      sha256(coalesce(string_agg(r.hash, ''::bytea ORDER BY r.hash), ''::bytea))
    INTO expected, restored, kept, hash FROM ${s}.review_${table.rel}(p_tx, p_single, p_undo, NULL) r;
END $unwind$`
}

function keyedVerdict(table: CapturedTable, deltas: readonly Column[]): string {
  const pending =
    deltas.length === 0
      ? 'false'
      : any(
          deltas,
          c => `(${deltaTouched(c)} AND coalesce(u.d${c.number}, 0) <> n.${before(c)} - n.${after(c)})`,
        )
  return `CASE n.op
        WHEN 'U' THEN CASE
          WHEN t.present IS NULL OR ${any(table.columns, foreign)} THEN 'conflict'
          WHEN ${any(
            table.columns.filter(column => !column.identityAlways),
            ours,
          )} THEN 'ours'
          WHEN ${pending} THEN 'delta'
          ELSE 'restored' END
        WHEN 'I' THEN CASE
          WHEN t.present IS NULL THEN 'restored'
          WHEN n.broken IS NOT NULL OR ${rowDiffers(table, 'after')} THEN 'conflict'
          ELSE 'ours' END
        ELSE CASE
          WHEN t.present IS NULL THEN CASE WHEN n.broken IS NULL THEN 'ours' ELSE 'conflict' END
          WHEN ${rowDiffers(table, 'before')} THEN 'conflict'
          ELSE 'restored' END
        END`
}

function rowVerdict(table: CapturedTable): string {
  return `CASE
        WHEN n.op <> 'I' THEN 'conflict'
        WHEN t.present AND NOT ${rowDiffers(table, 'after')} THEN 'ours'
        WHEN u.n0 IS NOT NULL THEN 'restored'
        ELSE 'conflict' END`
}

/** A row whose key changed is looked for under its old key too: somebody may have put it back already. */
function currentRow(schema: string, table: CapturedTable): string {
  const target = qualified(table.schema, table.name)
  if (table.key.length === 0)
    return `SELECT true AS present, t.* FROM ${target} t WHERE ${keyMatch(table, 'after')}`
  const keys = keyColumns(table)
  const list = table.columns.map(column => `t.${ident(column.name)}`).join(', ')
  const located = keys
    .map(c => `${current(c)} = CASE n.op WHEN 'D' THEN n.${before(c)} ELSE n.${after(c)} END`)
    .join(' AND ')
  const there = (side: 'before' | 'after', alias: string, more = '') =>
    `EXISTS (SELECT FROM ${target} ${alias} WHERE ${keyMatch(table, side, alias)}${more})`
  // Keys that went round in a circle: under the new key there is a row again, but another one.
  const back = there('before', 't', ` AND NOT ${rowDiffers(table, 'before')}`)
  // Where our inserted row was, there may be the one that the undo has moved back to its old key: then ours is gone.
  const told = table.columns.filter(column => !column.ignore && !column.delta)
  const movedBack = `n.op = 'I' AND p_undo IS NOT NULL AND EXISTS (SELECT FROM ${logTable(schema, table.rel)} g
      WHERE g.tx = p_undo AND ${keyMoved(table, 'g')} AND NOT ${any(told, c => `NOT (${same(c, current(c), `g.${after(c)}`)})`)})`
  return `SELECT true AS present, ${list} FROM ${target} t WHERE ${located} AND NOT (${keyMoved(table)} AND ${back}) AND NOT (${movedBack})
      UNION ALL
      SELECT true, ${list} FROM ${target} t
      WHERE ${keyMoved(table)} AND ${keyMatch(table, 'before')} AND (NOT ${there('after', 'w')} OR ${back})`
}

/**
 * FULL JOIN, and a WHERE that the planner cannot see through: both make it hash or merge. As a nested loop, which it would
 * choose for its estimate of one row, ten thousand rows would be compared with ten thousand.
 */
function evidenceJoin(schema: string, table: CapturedTable, deltas: readonly Column[]): string {
  const log = logTable(schema, table.rel)
  if (table.key.length === 0)
    return `FULL JOIN (SELECT DISTINCT g.n0 FROM ${log} g WHERE g.tx = p_undo AND g.op = 'D') u ON u.n0 = n.n0`
  const keys = keyColumns(table)
  const sums = deltas.map(c => `sum(g.${after(c)} - g.${before(c)}) AS d${c.number}`)
  const key = keys.map(c => `g.${after(c)} AS k${c.number}`)
  // An inserted or deleted row has no difference to prove; only updates of ours are matched.
  const match = keys.map(c => `u.k${c.number} = CASE n.op WHEN 'U' THEN n.${before(c)} ELSE NULL END`)
  return `FULL JOIN (SELECT ${[...key, ...sums].join(', ')} FROM ${log} g
      WHERE g.tx = p_undo AND g.op = 'U' GROUP BY ${keys.map(c => `g.${after(c)}`).join(', ')}) u ON ${match.join(' AND ')}`
}

/** The diff, as JSON texts; only evaluated for rows that are not restored. */
function differences(table: CapturedTable, item: string): string {
  const text = (value: string) => `to_jsonb(${value})::text`
  const rows = table.columns.map(column => {
    const [b, a, c] = [`n.${before(column)}`, `n.${after(column)}`, current(column)]
    const name = literal(column.name)
    const shown = `CASE n.op WHEN 'U' THEN ${any([column], foreign)} OR ${ours(column)} OR ${deltaTouched(column)}
        WHEN 'I' THEN NOT (${same(column, c, a)}) ELSE NOT (${same(column, c, b)}) END`
    return `SELECT ${column.number} AS i, ${name} AS f, CASE WHEN n.op <> 'I' THEN ${text(b)} END AS b,
        CASE WHEN n.op <> 'D' THEN ${text(a)} END AS a, ${text(c)} AS c WHERE t.present AND ${shown}`
  })
  // When the row itself is there or not there against expectation, no column tells it.
  const whole = `SELECT 0, '', CASE WHEN n.op <> 'I' THEN '"row"' END, CASE WHEN n.op <> 'D' THEN '"row"' END,
        CASE WHEN t.present THEN '"row"' END
      WHERE t.present IS NULL OR (n.op = 'I' AND NOT (n.broken IS NOT NULL OR ${rowDiffers(table, 'after')}))`
  return `(SELECT jsonb_agg(jsonb_build_object('item', ${item}, 'field', d.f, 'before', d.b, 'after', d.a, 'current', d.c) ORDER BY d.i)
      FROM (${[whole, ...rows].join('\n      UNION ALL ')}) d (i, f, b, a, c))`
}
