import { LONGEST_ID, markOf, slotOf, TEXT } from './base.js'
import { sessionVariable } from './names.js'
import { ident, numbers } from './quote.js'

export type FenceMode = 'expose' | 'reject'

/** The server's number of "a foreign key finds no row that it refers to". */
export const NO_PARENT = 1452

/** What a write gets that the fence stops: MYSQL_ERRNO of the signal, SQLSTATE 45000. */
export const LATE_ERRNO = 32_010

/** A correlation ID inside a trigger or procedure. */
export interface CorrelationText {
  /** Its text in the log's character set. */
  readonly text: string
  /** As bytes, by which it is compared: a collation of the session's would take other letters for equal. */
  readonly bytes: string
}

/** In the local variable `c`, which is of the log's character set. */
export const LOCAL: CorrelationText = { text: 'c', bytes: 'BINARY c' }

/**
 * Begins an entry of a correlation ID: for the first captured row that a session writes under an ID, and
 * again after the entry was closed, published or rolled back.
 * Its foreign key holds the correlation ID's slot shared until the transaction ends: who gets the slot exclusively (a fence)
 * knows that everything under its correlation ID is committed and visible.
 */
export function beginEntry(database: string, fence: FenceMode, c: CorrelationText): string {
  const d = ident(database)
  if (fence === 'reject')
    return `CALL ${d}.enter(${c.text}); SET ${sessionVariable(database, 'of')} = ${c.bytes};`
  return `${remember(database, c)}
      ${insertion(database, '0', c)}`
}

const insertion = (database: string, passed: '0' | 'NULL', { text }: CorrelationText) =>
  `INSERT INTO ${ident(database)}.open VALUES (${sessionVariable(database, 'entry')}, ${text}, UTC_TIMESTAMP(6), ${slotOf(text)}, ${passed});`

/** One statement: each costs a transaction as much as half a row. An entry that is then not to be had is missed by the log's foreign key. */
const remember = (database: string, { bytes }: CorrelationText) => {
  const variable = (name: 'entry' | 'of' | 'at' | 'until') => sessionVariable(database, name)
  return `SET ${variable('entry')} = NEXTVAL(${ident(database)}.numbers), ${variable('of')} = ${bytes}, ${variable('at')} = NOW(6),
        ${variable('until')} = IF(@@in_transaction, UNIX_TIMESTAMP() + 1, 0);`
}

/**
 * Whether the entry is continued: while it is young, or, without a surrounding transaction, within one statement (told by its
 * time). As few variables and functions as can be: this is asked for every row.
 */
export function continued(database: string, { bytes }: CorrelationText): string {
  const variable = (name: 'of' | 'at' | 'until') => sessionVariable(database, name)
  return `${variable('of')} <=> ${bytes} AND (UNIX_TIMESTAMP() <= ${variable('until')} OR ${variable('at')} = NOW(6))`
}

/** An undo continues its entry to its end: it began it before anything that it may take back. */
export const holdEntry = (database: string) =>
  `SET ${sessionVariable(database, 'until')} = ${Number.MAX_SAFE_INTEGER}`

/**
 * enter(correlation ID): the same as a procedure, for the sidecar's own entries, and where a late write is to be rejected: then a
 * slot in which something is rejected is not to be had by the foreign key, and is looked into. Both ways to hold it read the row
 * as it is now, so marks that are newer than the transaction's snapshot are seen.
 */
export function enterProcedure(database: string, fence: FenceMode): string {
  const d = ident(database)
  const head = `CREATE OR REPLACE PROCEDURE ${d}.enter(c VARCHAR(${LONGEST_ID}) ${TEXT}) MODIFIES SQL DATA SQL SECURITY DEFINER`
  if (fence === 'expose') return `${head}\nBEGIN\n  ${beginEntry(database, fence, LOCAL)}\nEND`
  return `${head}
BEGIN
  DECLARE v_marked, v_late BOOLEAN DEFAULT FALSE;
  DECLARE v_message VARCHAR(400) ${TEXT};
  DECLARE CONTINUE HANDLER FOR ${NO_PARENT} SET v_marked = TRUE;
  ${remember(database, LOCAL)}
  ${insertion(database, '0', LOCAL)}
  IF v_marked THEN
    SELECT LOCATE(${markOf('c')}, g.marks) > 0 INTO v_late FROM ${d}.gate g WHERE g.slot = ${slotOf('c')} LOCK IN SHARE MODE;
    IF v_late THEN
      SET v_message = CONCAT('correlation ID ', LEFT(c, 200),
        ' is being rolled back: this write came too late. Begin a new business transaction under another correlation ID.');
      SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = ${LATE_ERRNO}, MESSAGE_TEXT = v_message;
    END IF;
    ${insertion(database, 'NULL', LOCAL)}
  END IF;
END`
}

/**
 * Closes entries: takes them from those that may still grow. What the logs refer to goes, and is meant to.
 * An entry that is open although a fence of its correlation ID stands was begun after it: a fence closes all that there are.
 */
export function closeStatements(database: string, ids: readonly string[]): readonly string[] {
  const d = ident(database)
  const list = numbers(ids)
  return [
    `INSERT INTO ${d}.entry (id, correlation_id, at, late) SELECT o.id, o.correlation_id, o.at,
       EXISTS (SELECT 1 FROM ${d}.fence f WHERE f.correlation_id = o.correlation_id) FROM ${d}.open o WHERE o.id IN (${list})`,
    `SET STATEMENT foreign_key_checks = 0 FOR DELETE FROM ${d}.open WHERE id IN (${list})`,
  ]
}

/** What stands in the gate follows from the fences; where late writes are not rejected, nothing. */
export function gateStatements(database: string, fence: FenceMode): readonly string[] {
  const d = ident(database)
  const reset = `SET STATEMENT foreign_key_checks = 0 FOR UPDATE ${d}.gate SET marked = 0, marks = '' WHERE marked = 1`
  if (fence === 'expose') return [reset]
  const marks = `SELECT ${slotOf('f.correlation_id')} AS slot, GROUP_CONCAT(DISTINCT ${markOf('f.correlation_id')} SEPARATOR '') AS marks
    FROM ${d}.fence f GROUP BY ${slotOf('f.correlation_id')}`
  return [
    reset,
    `SET STATEMENT foreign_key_checks = 0, group_concat_max_len = 1073741824 FOR
     UPDATE ${d}.gate g JOIN (${marks}) m ON m.slot = g.slot SET g.marked = 1, g.marks = m.marks`,
  ]
}
