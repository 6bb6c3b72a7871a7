import { createHash } from 'node:crypto'
import type { ConflictPolicy } from '@unwind/contracts'

/** One column of an application's table, as capture sees it. */
export interface Column {
  /** pg_attribute.attnum: names the log's columns (o3, n3), since o_<name> could pass the 63 bytes of a name. */
  readonly number: number
  readonly name: string
  /** Type without modifiers, domains resolved to their base: what the log's column has. */
  readonly type: string
  /** Equal values have equal bytes, so the type's own `=` may be used; otherwise images are compared byte by byte. */
  readonly plain: boolean
  /** The column is of a domain and must be cast to `type` before images are compared. */
  readonly domain: boolean
  /** GENERATED ALWAYS AS IDENTITY: can be inserted with OVERRIDING SYSTEM VALUE, but not updated. */
  readonly identityAlways: boolean
  /** Undone by the inverse difference, since changes commute. */
  readonly delta: boolean
  /** Restored where it is still ours, but never a conflict. */
  readonly ignore: boolean
}

/** A foreign key of another table that would change that table's rows when ours go. */
export interface Cascade {
  readonly table: string
  readonly label: string
  readonly self: boolean
  /** Pairs of (their column, our column). */
  readonly columns: readonly { readonly theirs: string; readonly ours: number }[]
}

export type CorrelationSource =
  | { readonly kind: 'setting'; readonly setting: string }
  | { readonly kind: 'column'; readonly column: string; readonly prefix: string }

/** Everything that the functions of one captured table are generated from. */
export interface TableLayout {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** "public.orders": for people. */
  readonly label: string
  /** Without generated columns: they follow from the others. */
  readonly columns: readonly Column[]
  /** Names of the key's columns. Empty: `key: row`, rows are told apart by their place and only inserts can be undone. */
  readonly key: readonly string[]
  readonly correlation: CorrelationSource
  readonly cascades: readonly Cascade[]
  /** Tables with smaller depth are referred to by those with greater depth. */
  readonly depth: number
  readonly onConflict: ConflictPolicy | null
}

/** A layout together with its number: names log_<rel>, capture_<rel>, undo_<rel> … */
export interface CapturedTable extends TableLayout {
  readonly rel: number
}

export function keyColumns(table: TableLayout): readonly Column[] {
  return table.key.map(name => table.columns.find(column => column.name === name)!)
}

/** What must be equal for a log to be continued; when it differs, a new log is begun and the old one retires. */
export function layoutSignature(table: TableLayout): string {
  return JSON.stringify({
    columns: table.columns.map(column => [column.number, column.name, column.type]),
    key: table.key,
  })
}

/** Raised whenever generated SQL changes its meaning, so that an installed capture counts as drifted. */
export const GENERATOR_VERSION = 5

/** What must be equal for the installed functions to be those that the contract asks for. */
export function specHash(table: TableLayout, fence: string): string {
  return createHash('sha256')
    .update(JSON.stringify([GENERATOR_VERSION, fence, { ...table, depth: undefined }]))
    .digest('hex')
}
