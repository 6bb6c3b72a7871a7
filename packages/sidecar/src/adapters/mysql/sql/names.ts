import type { CapturedTable, Column } from '../layout.js'
import { ident, qualified } from './quote.js'

/** Names of the log's columns: before-image and after-image. */
export const before = (column: Column) => `o${column.number}`
export const after = (column: Column) => `n${column.number}`

export const logTable = (database: string, rel: number) => `${ident(database)}.log_${rel}`

/**
 * A log with an alias, to be read by entry. Statistics of tables that grow fast are old, and the server would then read all of
 * one where an index look-up is right; so indexes are named.
 */
export const logAs = (database: string, rel: number, alias: string) =>
  `${logTable(database, rel)} ${alias} FORCE INDEX (PRIMARY)`

/** The application's table with an alias, to be found by its key. */
export const targetAs = (table: CapturedTable, alias: string) =>
  `${qualified(table.database, table.name)} ${alias} FORCE INDEX (${ident(table.keyIndex)})`

/** Temporary tables of a step: its changes as logged, which of them changes concern one row, and what they amount to. */
export const stageTable = (database: string, rel: number) => `${ident(database)}.stage_${rel}`
export const chainTable = (database: string, rel: number) => `${ident(database)}.chain_${rel}`
export const foldTable = (database: string, rel: number) => `${ident(database)}.fold_${rel}`

/** Temporary tables of a look at later writers: the rows that are as before, and those of them that others wrote since. */
export const mineTable = (database: string, rel: number) => `${ident(database)}.mine_${rel}`
export const laterTable = (database: string, rel: number) => `${ident(database)}.later_${rel}`

/** What a session remembers between two captured rows. Named after the capture, since a session may write to several. */
export const sessionVariable = (database: string, name: 'entry' | 'of' | 'at' | 'until') =>
  `@\`${database}.${name}\``

/** User variable that makes an undo's own writes belong to the rollback, whatever their rows say. */
export const ROLLBACK_VARIABLE = 'unwind_rollback_id'
