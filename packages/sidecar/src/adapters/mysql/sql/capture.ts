import { createHash } from 'node:crypto'
import type { CapturedTable, CorrelationSource } from '../layout.js'
import { LONGEST_ID, TEXT } from './base.js'
import { cascadeStatements } from './cascades.js'
import { beginEntry, type CorrelationText, continued, type FenceMode, LOCAL, NO_PARENT } from './entry.js'
import { after, before, logTable, ROLLBACK_VARIABLE, sessionVariable } from './names.js'
import { ident, literal, qualified } from './quote.js'

/**
 * Typed columns instead of a JSON or text image: nothing is converted while the application waits, and every value stays exact
 * whatever the session's settings are. Clustered by entry and number: one tree, written at its end.
 */
export function logStatement(database: string, table: CapturedTable): string {
  const columns = [
    'tx BIGINT UNSIGNED NOT NULL',
    'seq BIGINT UNSIGNED NOT NULL',
    // I, U, D; X: a foreign key changed rows that no log holds.
    'op CHAR(1) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL',
    ...table.columns.map(column => `${before(column)} ${column.logType} NULL`),
    ...table.columns.map(column => `${after(column)} ${column.logType} NULL`),
    'PRIMARY KEY (tx, seq)',
    `FOREIGN KEY (tx) REFERENCES ${ident(database)}.open (id)`,
  ]
  return `CREATE TABLE IF NOT EXISTS ${logTable(database, table.rel)} (${columns.join(', ')})
    ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT=${literal(`Undo log of ${table.label}`)}`
}

export type TriggerKind = 'i' | 'u' | 'd' | 'c'
const EVENTS: Readonly<Record<TriggerKind, string>> = {
  i: 'AFTER INSERT',
  u: 'AFTER UPDATE',
  d: 'AFTER DELETE',
  // Before the foreign keys act, which no trigger sees.
  c: 'BEFORE DELETE',
}

export interface Trigger {
  readonly kind: TriggerKind
  readonly name: string
  readonly statement: string
}

/** Triggers share their names with those of all tables of a database. */
export function triggerName(table: string, kind: TriggerKind): string {
  const full = `unwind_${table}_${kind}`
  if (full.length <= 64) return full
  return `unwind_${createHash('sha256').update(table).digest('hex').slice(0, 40)}_${kind}`
}

/** In each trigger's body: whose it is, and from what it was generated. */
export const triggerMark = (database: string, spec: string) => `/* unwind ${database} ${spec} */`

/**
 * The triggers of one table. They run with the rights of who installed them, so the application needs none on the log.
 * Whether the entry that is continued is still there, the log's foreign key finds out: a rollback takes it away, a fence or the
 * relay close it; then another one is begun. The same foreign key holds it, so that nobody closes it before this transaction ends.
 * The handler leaves the block, and nothing is declared that need not be: local variables cost more than the row that is logged.
 * A row after the first takes two statements, the question and the entry: each costs a transaction as much as half a row.
 * @param neighbours captured tables that its foreign keys may change, by label.
 */
export function triggersOf(
  database: string,
  table: CapturedTable,
  neighbours: ReadonlyMap<string, CapturedTable>,
  spec: string,
  fence: FenceMode,
): readonly Trigger[] {
  const log = logTable(database, table.rel)
  const head = `${sessionVariable(database, 'entry')}, NEXTVAL(${ident(database)}.numbers)`
  const nulls = table.columns.map(() => 'NULL')
  const list = (row: string) => table.columns.map(column => `${row}.${ident(column.name)}`)
  const insert = (op: string, columns: readonly string[]) =>
    `INSERT INTO ${log} VALUES (${head}, '${op}', ${columns.join(', ')});`
  const cascades = cascadeStatements(database, table, neighbours)
  const trigger = (
    kind: TriggerKind,
    correlationFrom: 'OLD' | 'NEW',
    statements: readonly string[],
  ): Trigger => {
    const name = triggerName(table.name, kind)
    const target = qualified(table.database, table.name)
    const { declared, given, id } = correlationOf(table.correlation, correlationFrom)
    const begin = beginEntry(database, fence, id)
    const body = statements.join('\n    ')
    return {
      kind,
      name,
      statement: `CREATE OR REPLACE TRIGGER ${qualified(table.database, name)} ${EVENTS[kind]} ON ${target} FOR EACH ROW
capture: BEGIN
  ${triggerMark(database, spec)}
  ${declared}
  DECLARE EXIT HANDLER FOR ${NO_PARENT} BEGIN
    DECLARE EXIT HANDLER FOR ${NO_PARENT} SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'capture: the undo log takes no entry';
    ${begin}
    ${body}
  END;
  IF (${continued(database, id)}) IS NOT TRUE THEN
    IF (${given}) IS NOT TRUE THEN LEAVE capture; END IF;
    ${begin}
  END IF;
  ${body}
END`,
    }
  }
  return [
    trigger('i', 'NEW', [insert('I', [...nulls, ...list('NEW')])]),
    trigger('u', 'NEW', [insert('U', [...list('OLD'), ...list('NEW')]), ...cascades.onUpdate]),
    trigger('d', 'OLD', [insert('D', [...list('OLD'), ...nulls])]),
    ...(cascades.onDelete.length > 0 ? [trigger('c', 'OLD', cascades.onDelete)] : []),
  ]
}

interface TriggerCorrelation {
  readonly declared: string
  /** Whether there is one. */
  readonly given: string
  readonly id: CorrelationText
}

function correlationOf(source: CorrelationSource, row: 'OLD' | 'NEW'): TriggerCorrelation {
  if (source.kind === 'variable') {
    const name = `@${ident(source.variable)}`
    const id = { text: `CONVERT(${name} USING utf8mb4)`, bytes: `BINARY ${name}` }
    return { declared: '', given: `LENGTH(${name}) > 0`, id }
  }
  const value = `CONCAT(${literal(source.prefix)}, CAST(${row}.${ident(source.column)} AS CHAR))`
  const declared = `DECLARE c VARCHAR(${LONGEST_ID}) ${TEXT} DEFAULT COALESCE(@${ident(ROLLBACK_VARIABLE)}, ${value});`
  return { declared, given: `c <> ''`, id: LOCAL }
}
