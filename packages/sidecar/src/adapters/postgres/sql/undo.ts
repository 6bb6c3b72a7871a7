import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import { after, before, logTable } from './capture.js'
import {
  any,
  current,
  deltaTouched,
  foreign,
  inverse,
  keyMatch,
  keyMoved,
  ours,
  restored,
  rowDiffers,
  same,
  touched,
} from './compare.js'
import { ident, qualified } from './quote.js'

/**
 * undo_<rel>(op, transactions, single, mode, key): undoes the net changes of one kind in one table with one statement and
 * returns how many there are. `mode`: park, keep, force or merge. It writes only where the current value is the one that we
 * left, in the same statement that locks the row, so a concurrent writer cannot slip in between (I6).
 * Rows are taken in the reverse of the order in which the action took them. `seq` undoes one logged change alone.
 * In mode park a row that is not ours any more is left; the caller compares counts and asks review_<rel>.
 */
export function undoFunction(schema: string, table: CapturedTable): string {
  const s = ident(schema)
  const net = `(SELECT * FROM ${s}.net_${table.rel}(p_tx, p_single, p_seq) ORDER BY seq DESC) n`
  const branches =
    table.key.length === 0
      ? `IF p_op = 'I' THEN${deleteStatement(table, net)}
  ELSE
    RAISE EXCEPTION '${'%'} has no key: only inserted rows can be undone, and the action changed or deleted some', ${quoteLabel(table)}
      USING ERRCODE = 'UW003', HINT = 'Give the table a primary key, or name key columns in the contract; then run "unwind capture install".';
  END IF;`
      : `IF p_op = 'U' THEN${updateStatement(table, net)}
  ELSIF p_op = 'I' THEN${deleteStatement(table, net)}
  ELSE${insertStatement(table, net)}
  END IF;`
  return `
CREATE OR REPLACE FUNCTION ${s}.undo_${table.rel}(
  p_op "char", p_tx bigint[], p_single boolean, p_mode text, p_key text, p_seq pg_lsn,
  OUT wanted bigint, OUT acted bigint, OUT forced bigint)
LANGUAGE plpgsql AS $unwind$
DECLARE
  p_force boolean := p_mode = 'force';
  v_more bigint;
BEGIN
  acted := 0;
  IF p_single OR p_seq IS NOT NULL THEN wanted := 1;
  ELSE SELECT count(*) INTO wanted FROM ${net} WHERE n.op = p_op;
  END IF;
  IF wanted = 0 THEN RETURN; END IF;
  IF p_mode <> 'park' THEN
    PERFORM 1 FROM ${qualified(table.schema, table.name)} t, ${net}
      WHERE n.op = p_op AND ${keyMatch(table, 'after')}${table.key.length === 0 ? '' : lockOrder(table)} FOR UPDATE OF t;
    IF p_force THEN
      SELECT count(*) INTO forced FROM ${s}.review_${table.rel}(p_tx, p_single, NULL, p_seq) r WHERE r.op = p_op AND r.verdict = 'conflict';
    ELSE
      INSERT INTO ${s}.kept (key, item)
        SELECT p_key, r.item FROM ${s}.review_${table.rel}(p_tx, p_single, NULL, p_seq) r
        WHERE r.op = p_op AND r.verdict = 'conflict' ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  ${branches}
END $unwind$`
}

/** moved_<rel>(transactions): did a key change? Then rows can stand in each other's way, and the order matters. */
export function movedFunction(schema: string, table: CapturedTable): string {
  return `
CREATE OR REPLACE FUNCTION ${ident(schema)}.moved_${table.rel}(p_tx bigint[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $unwind$
BEGIN
  RETURN EXISTS (SELECT FROM ${logTable(schema, table.rel)} n WHERE n.tx = ANY (p_tx) AND ${keyMoved(table)});
END $unwind$`
}

const quoteLabel = (table: CapturedTable) => `'${table.label.replaceAll("'", "''")}'`

/** One order for all undos, so that two of them do not wait for each other in a circle. */
function lockOrder(table: CapturedTable): string {
  return ` ORDER BY ${keyColumns(table)
    .map(column => current(column))
    .join(', ')}`
}

function updateStatement(table: CapturedTable, net: string): string {
  const target = qualified(table.schema, table.name)
  const settable = table.columns.filter(column => !column.identityAlways)
  const deltas = settable.filter(column => column.delta)
  const set = (column: Column, value: string) => `${ident(column.name)} = ${value}`
  const forced = any(
    settable,
    column => `(${touched(column)} AND NOT (${same(column, current(column), `n.${before(column)}`)}))`,
  )
  const main = `
    UPDATE ${target} t SET ${settable.map(column => set(column, restored(column))).join(',\n      ')}
    FROM ${net}
    WHERE n.op = 'U' AND ${keyMatch(table, 'after')}
      AND (p_mode IN ('force', 'merge') OR NOT ${any(table.columns, foreign)})
      AND (${any(settable, ours)} OR ${any(deltas, deltaTouched)} OR (p_force AND ${forced}));
    GET DIAGNOSTICS acted = ROW_COUNT;`
  // Differences commute, so they are undone even in a row whose other columns are kept.
  const keptDeltas =
    deltas.length === 0
      ? ''
      : `
    IF p_mode = 'keep' THEN
      UPDATE ${target} t SET ${deltas
        .map(c => set(c, `CASE WHEN ${deltaTouched(c)} THEN ${inverse(c)} ELSE ${current(c)} END`))
        .join(', ')}
      FROM ${net}
      WHERE n.op = 'U' AND ${keyMatch(table, 'after')} AND ${any(deltas, deltaTouched)}
        AND ${any(table.columns, foreign)};
      GET DIAGNOSTICS v_more = ROW_COUNT;
      acted := acted + v_more;
    END IF;`
  const missing = `
    IF p_force THEN
      ${insertSql(table, net, `n.op = 'U' AND NOT EXISTS (SELECT FROM ${target} t WHERE ${keyMatch(table, 'after')})`)}
      GET DIAGNOSTICS v_more = ROW_COUNT;
      acted := acted + v_more;
    END IF;`
  return main + keptDeltas + missing
}

function deleteStatement(table: CapturedTable, net: string): string {
  const target = qualified(table.schema, table.name)
  return `${table.cascades.length === 0 ? '' : cascadeGuard(table, net)}
    DELETE FROM ${target} t USING ${net}
    WHERE n.op = 'I' AND ${keyMatch(table, 'after')}
      AND (p_force OR NOT (n.broken IS NOT NULL OR ${rowDiffers(table, 'after')}));
    GET DIAGNOSTICS acted = ROW_COUNT;`
}

/**
 * Deleting our row would silently delete or change rows of others (I6). The rows are locked first: a new reference to them
 * needs a lock that conflicts, so none can come in after the look.
 */
function cascadeGuard(table: CapturedTable, net: string): string {
  const checks = table.cascades.map(cascade => {
    const on = cascade.columns.map(pair => {
      const column = table.columns.find(candidate => candidate.number === pair.ours)!
      return `child.${ident(pair.theirs)} = n.${after(column)}`
    })
    const own = cascade.self
      ? ` AND NOT EXISTS (SELECT FROM ${net.replace(/n$/, 'm')} WHERE m.op = 'I' AND ${keyColumns(table)
          .map(column => `child.${ident(column.name)} = m.${after(column)}`)
          .join(' AND ')})`
      : ''
    return `
      IF EXISTS (SELECT FROM ${cascade.table} child, ${net} WHERE n.op = 'I' AND ${on.join(' AND ')}${own}) THEN
        RAISE foreign_key_violation USING
          MESSAGE = 'rows of ${cascade.label.replaceAll("'", "''")} that the action did not write refer to ${table.label.replaceAll("'", "''")}',
          DETAIL = 'They would be deleted or changed together with the inserted row.';
      END IF;`
  })
  return `
    IF NOT p_force THEN
      PERFORM 1 FROM ${qualified(table.schema, table.name)} t, ${net}
        WHERE n.op = 'I' AND ${keyMatch(table, 'after')}${lockOrder(table)} FOR UPDATE OF t;${checks.join('')}
    END IF;`
}

function insertStatement(table: CapturedTable, net: string): string {
  const target = qualified(table.schema, table.name)
  const settable = table.columns.filter(column => !column.identityAlways)
  return `
    ${insertSql(table, net, `n.op = 'D' AND (p_force OR n.broken IS NULL)`)}
    GET DIAGNOSTICS acted = ROW_COUNT;
    IF p_force THEN
      UPDATE ${target} t SET ${settable.map(column => `${ident(column.name)} = n.${before(column)}`).join(', ')}
      FROM ${net}
      WHERE n.op = 'D' AND ${keyMatch(table, 'before')} AND ${rowDiffers(table, 'before')};
      GET DIAGNOSTICS v_more = ROW_COUNT;
      acted := acted + v_more;
    END IF;`
}

/** The same identity again: generated identities are overridden, or references to the row would break. */
function insertSql(table: CapturedTable, net: string, where: string): string {
  return `INSERT INTO ${qualified(table.schema, table.name)} (${table.columns.map(column => ident(column.name)).join(', ')})
      OVERRIDING SYSTEM VALUE
      SELECT ${table.columns.map(column => `n.${before(column)}`).join(', ')} FROM ${net} WHERE ${where}
      ON CONFLICT (${table.key.map(ident).join(', ')}) DO NOTHING;`
}
