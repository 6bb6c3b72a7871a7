import type { CapturedTable } from '../layout.js'
import { after, before, foldTable, logAs, stageTable } from './names.js'
import { numbers } from './quote.js'

export type Op = 'I' | 'U' | 'D'

/** The net changes of a step in one table: the log (or its copy) where each row changed once, else the fold of it. */
export interface Net {
  readonly table: CapturedTable
  readonly folded: boolean
  /** A key changed, so rows can stand in each other's way, and the order matters. */
  readonly moved: boolean
  /** Table aliased `n`, and which of its rows. */
  readonly from: string
  readonly where: string
  /** Net changes by kind. */
  readonly counts: Readonly<Record<Op, number>>
  /** Changes by foreign keys that no log holds. */
  readonly unseen: number
  /** Number of the first change. */
  readonly first: bigint
  /** The session's table later_<rel> says which rows are as before only by a newer business transaction. */
  readonly later: boolean
}

export function loggedSource(
  database: string,
  table: CapturedTable,
  entries: readonly string[],
): Pick<Net, 'folded' | 'from' | 'where'> {
  return {
    folded: false,
    from: `${logAs(database, table.rel, 'n')}`,
    where: `n.tx IN (${numbers(entries)}) AND n.op <> 'X'`,
  }
}

export function foldedSource(database: string, table: CapturedTable): Pick<Net, 'folded' | 'from' | 'where'> {
  return { folded: true, from: `${foldTable(database, table.rel)} n`, where: 'TRUE' }
}

/**
 * A copy of the step's part of the log. A statement that undoes makes the triggers write into the log, and the server lets no
 * statement read what its triggers write. The latest change comes first: rows are undone in that order, as far as one
 * statement has an order.
 */
export function stageStatements(
  database: string,
  table: CapturedTable,
  entries: readonly string[],
): readonly string[] {
  const stage = stageTable(database, table.rel)
  const images = table.columns.flatMap(c => [
    `${before(c)} ${c.logType} NULL`,
    `${after(c)} ${c.logType} NULL`,
  ])
  const list = table.columns.flatMap(c => [before(c), after(c)]).join(', ')
  return [
    `DROP TEMPORARY TABLE IF EXISTS ${stage}`,
    `CREATE TEMPORARY TABLE ${stage} (position BIGINT NOT NULL PRIMARY KEY, tx BIGINT UNSIGNED NOT NULL, seq BIGINT UNSIGNED NOT NULL,
      op CHAR(1) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, ${images.join(', ')}) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
    `INSERT INTO ${stage} (position, tx, seq, op, ${list})
      SELECT -CAST(n.seq AS SIGNED), n.tx, n.seq, n.op, ${list} FROM ${logAs(database, table.rel, 'n')}
      WHERE n.tx IN (${numbers(entries)}) AND n.op <> 'X' ORDER BY 1`,
  ]
}

export function stagedSource(database: string, table: CapturedTable): Pick<Net, 'folded' | 'from' | 'where'> {
  return { folded: false, from: `${stageTable(database, table.rel)} n`, where: 'TRUE' }
}

/** One logged change by itself, as it is in the stage. */
export function singleNet(
  database: string,
  table: CapturedTable,
  change: { tx: string; seq: string; op: Op },
): Net {
  return {
    table,
    folded: false,
    moved: true,
    from: `${stageTable(database, table.rel)} n`,
    where: `n.position = -${numbers([change.seq])}`,
    counts: { I: 0, U: 0, D: 0, [change.op]: 1 },
    unseen: 0,
    first: BigInt(change.seq),
    later: false,
  }
}
