import { createHash } from 'node:crypto'
import type { ConflictPolicy } from '@unwind/contracts'

/** How values of a column are logged, compared and shown. */
export type Family =
  | 'integer'
  | 'decimal'
  | 'float'
  | 'bit'
  | 'text'
  | 'binary'
  | 'date'
  | 'moment'
  | 'time'
  | 'uuid'

/** One column of an application's table, as capture sees it. */
export interface Column {
  /** Place among the captured columns: names the log's columns (o3, n3), since o_<name> could pass the 64 characters of a name. */
  readonly number: number
  readonly name: string
  /** Type without lengths: what must stay the same for an action to be undone. */
  readonly type: string
  readonly family: Family
  /** Type of the log's columns: of the same family and as wide as it goes, so that a widened column never makes a write fail. */
  readonly logType: string
  /** Undone by the inverse difference, since changes commute. */
  readonly delta: boolean
  /** Restored where it is still ours, but never a conflict. */
  readonly ignore: boolean
}

/**
 * A foreign key of another table (or of this one) that changes that table's rows together with ours. The server does it below
 * the triggers, so ours log it for the other table.
 */
export interface Cascade {
  readonly database: string
  readonly name: string
  readonly label: string
  readonly constraint: string
  readonly onDelete: 'remove' | 'clear' | 'none'
  readonly onUpdate: 'follow' | 'clear' | 'none'
  /** Pairs of (their column, our column). */
  readonly columns: readonly { readonly theirs: string; readonly ours: string }[]
}

export type CorrelationSource =
  /** Name of a user variable, without the @. */
  | { readonly kind: 'variable'; readonly variable: string }
  | { readonly kind: 'column'; readonly column: string; readonly prefix: string }

/** Everything that a captured table's triggers and statements are generated from. */
export interface TableLayout {
  readonly database: string
  readonly name: string
  /** "shop.orders": for people. */
  readonly label: string
  /** Without generated columns: they follow from the others. */
  readonly columns: readonly Column[]
  /** Names of the key's columns, never empty. */
  readonly key: readonly string[]
  /** Its index. */
  readonly keyIndex: string
  readonly correlation: CorrelationSource
  readonly cascades: readonly Cascade[]
  /** Tables with smaller depth are referred to by those with greater depth. */
  readonly depth: number
  readonly onConflict: ConflictPolicy | null
}

/** A layout together with the number of its log. */
export interface CapturedTable extends TableLayout {
  readonly rel: number
}

export function keyColumns(table: TableLayout): readonly Column[] {
  return table.key.map(name => table.columns.find(column => column.name === name)!)
}

/** What must be equal for a log to be continued; when it differs, a new log is begun and the old one retires. */
export function layoutSignature(table: TableLayout): string {
  return JSON.stringify({
    columns: table.columns.map(column => [column.name, column.type]),
    key: table.key,
  })
}

/** Raised whenever generated triggers change their meaning, so that an installed capture counts as drifted. */
export const GENERATOR_VERSION = 3

/** What must be equal for the installed triggers to be those that the contract asks for. */
export function specHash(table: TableLayout, neighbours: readonly TableLayout[], fence: string): string {
  const reached = neighbours.filter(other => table.cascades.some(cascade => cascade.label === other.label))
  return createHash('sha256')
    .update(
      JSON.stringify([
        GENERATOR_VERSION,
        fence,
        { ...table, depth: undefined },
        reached.map(layoutSignature),
      ]),
    )
    .digest('hex')
}
