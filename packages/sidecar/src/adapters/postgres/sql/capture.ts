import type { CapturedTable, Column } from '../layout.js'
import { beginStatements, type FenceMode } from './base.js'
import { ident, literal, qualified } from './quote.js'

export const TRIGGER = 'unwind_capture'
export const TRUNCATE_TRIGGER = 'unwind_capture_truncate'

/** Names of the log's columns: before-image and after-image. */
export const before = (column: Column) => `o${column.number}`
export const after = (column: Column) => `n${column.number}`

export function logTable(schema: string, rel: number): string {
  return `${ident(schema)}.log_${rel}`
}

/**
 * Typed columns instead of a JSON or text image: nothing is converted while the application waits, every type keeps its
 * exact value whatever the session's settings are, and no dependency on the table's row type blocks its migrations.
 */
export function logStatements(schema: string, table: CapturedTable): readonly string[] {
  const log = logTable(schema, table.rel)
  const place = table.key.length === 0 ? ['n0 tid'] : []
  const columns = [
    'tx bigint NOT NULL',
    // Changes of one row are ordered by its lock, and each of them writes to the log: so its position orders them.
    'seq pg_lsn NOT NULL',
    'op "char" NOT NULL',
    ...table.columns.map(column => `${before(column)} ${column.type}`),
    ...table.columns.map(column => `${after(column)} ${column.type}`),
    ...place,
    // Never written by the trigger: says, in a folded row, in which columns somebody wrote between our changes.
    'broken smallint[]',
  ]
  return [
    `CREATE TABLE IF NOT EXISTS ${log} (${columns.join(', ')})`,
    `CREATE INDEX IF NOT EXISTS log_${table.rel}_tx ON ${log} (tx)`,
    // Of installations before generator version 4.
    `DROP INDEX IF EXISTS ${ident(schema)}.log_${table.rel}_seq`,
    `COMMENT ON TABLE ${log} IS ${literal(`Undo log of ${table.label}`)}`,
  ]
}

/**
 * SECURITY DEFINER, so that the application's role needs no right on the log. No SET clause, which would cost a
 * microsecond a row; so nothing in here is looked up along the caller's search_path: functions and types are qualified, and
 * operators avoided, NULLIF among them.
 *
 * Each expression costs a transaction about a microsecond, however few rows it has: so there is one for the rows after
 * the first of a correlation ID.
 */
export function captureFunction(schema: string, table: CapturedTable, fence: FenceMode): string {
  const s = ident(schema)
  const log = logTable(schema, table.rel)
  const correlation = correlationOf(table)
  const list = (row: string) => table.columns.map(column => `${row}.${ident(column.name)}`)
  const nulls = table.columns.map(() => 'NULL')
  const head = `pg_catalog.current_setting('unwind.tx')::pg_catalog.int8, pg_catalog.pg_current_wal_insert_lsn()`
  const place = (row: string) => (table.key.length === 0 ? `, ${row}.ctid` : '')
  const insert = (op: string, columns: readonly string[], tail: string) =>
    `INSERT INTO ${log} VALUES (${head}, '${op}', ${columns.join(', ')}${tail});`
  return `
CREATE OR REPLACE FUNCTION ${s}.capture_${table.rel}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $unwind$
DECLARE c pg_catalog.text;
BEGIN
${correlation.found}
  IF pg_catalog.texteq(pg_catalog.current_setting('unwind.tx_for', true), pg_catalog.textcat('=', ${correlation.value})) THEN
  ELSE
    c := ${correlation.value};
    IF c IS NULL OR pg_catalog.texteq(c, '') THEN RETURN NULL; END IF;
    ${beginStatements(schema, fence)}
  END IF;
  IF pg_catalog.texteq(TG_OP, 'UPDATE') THEN
    ${insert('U', [...list('OLD'), ...list('NEW')], place('NEW'))}
  ELSIF pg_catalog.texteq(TG_OP, 'INSERT') THEN
    ${insert('I', [...nulls, ...list('NEW')], place('NEW'))}
  ELSIF pg_catalog.texteq(TG_OP, 'DELETE') THEN
    ${insert('D', [...list('OLD'), ...nulls], place('OLD'))}
  ELSE
    INSERT INTO ${log} (tx, seq, op) VALUES (${head}, 'T');
  END IF;
  RETURN NULL;
END $unwind$`
}

/** Where the correlation ID is: NULL or empty if there is none. `found` comes first. */
function correlationOf(table: CapturedTable): { readonly found: string; readonly value: string } {
  const source = table.correlation
  if (source.kind === 'setting')
    return { found: '', value: `pg_catalog.current_setting(${literal(source.setting)}, true)` }
  const name = ident(source.column)
  const value = (row: string) =>
    source.prefix === ''
      ? `${row}.${name}::pg_catalog.text`
      : `pg_catalog.textcat(${literal(source.prefix)}, ${row}.${name}::pg_catalog.text)`
  // An undo's own writes belong to the rollback's ID, not to the row's: otherwise they would look like late actions.
  const found = `  c := pg_catalog.current_setting('unwind.rollback_id', true);
  IF c IS NULL OR pg_catalog.texteq(c, '') THEN
    IF pg_catalog.texteq(TG_LEVEL, 'ROW') THEN
      IF pg_catalog.texteq(TG_OP, 'DELETE') THEN c := ${value('OLD')};
      ELSE c := ${value('NEW')}; END IF;
    END IF;
  END IF;`
  return { found, value: 'c' }
}

/**
 * No WHEN clause that would keep rows without a correlation ID out of the function: the server reads such a clause again for every
 * statement, which costs a correlated transaction more than the call costs an uncorrelated row.
 */
export function triggerStatements(schema: string, table: CapturedTable): readonly string[] {
  const target = qualified(table.schema, table.name)
  const call = `EXECUTE FUNCTION ${ident(schema)}.capture_${table.rel}()`
  return [
    ...dropTriggerStatements(table.schema, table.name),
    `CREATE TRIGGER ${TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON ${target} FOR EACH ROW ${call}`,
    `CREATE TRIGGER ${TRUNCATE_TRIGGER} AFTER TRUNCATE ON ${target} FOR EACH STATEMENT ${call}`,
  ]
}

export function dropTriggerStatements(schema: string, name: string): readonly string[] {
  const target = qualified(schema, name)
  return [
    `DROP TRIGGER IF EXISTS ${TRIGGER} ON ${target}`,
    `DROP TRIGGER IF EXISTS ${TRUNCATE_TRIGGER} ON ${target}`,
  ]
}
