import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import { after, before } from './names.js'
import { ident, literal } from './quote.js'

/**
 * Expressions over a net change `n` and the current row. Equality means equal images, not "equal to the collation": 'a' and 'A'
 * differ, and so do 'a' and 'a '.
 */
export interface View {
  /** The net change's before-image, after-image, and the current value. */
  readonly o: (column: Column) => string
  readonly n: (column: Column) => string
  readonly current: (column: Column) => string
  /** Somebody else wrote this column between two of our changes, so there is no one value that is ours (I6). */
  readonly broken: (column: Column) => string
  /** The same of any column. */
  readonly anyBroken: string
}

/** The usual: changes aliased `n`, the application's table aliased `t`. `folded`: n is a fold that knows what is broken. */
export function viewOf(table: CapturedTable, folded: boolean): View {
  return {
    o: column => `n.${before(column)}`,
    n: column => `n.${after(column)}`,
    current: column => `t.${ident(column.name)}`,
    broken: column => (folded ? `n.b${column.number}` : 'FALSE'),
    anyBroken: folded ? `(${table.columns.map(column => `n.b${column.number}`).join(' OR ')})` : 'FALSE',
  }
}

export function same(column: Column, a: string, b: string): string {
  return column.family === 'text' || column.family === 'binary'
    ? `(BINARY ${a} <=> BINARY ${b})`
    : `(${a} <=> ${b})`
}

const differ = (column: Column, a: string, b: string) => `NOT ${same(column, a, b)}`

/** A difference exists only between two values; a change from or to NULL is compared as an image. */
const asDelta = (column: Column, v: View) =>
  column.delta ? `(${v.o(column)} IS NOT NULL AND ${v.n(column)} IS NOT NULL)` : 'FALSE'

export const touched = (column: Column, v: View) =>
  `(${differ(column, v.o(column), v.n(column))} OR ${v.broken(column)})`

/** This column is to be undone by the inverse difference. */
export function deltaTouched(column: Column, v: View): string {
  return column.delta ? `(${asDelta(column, v)} AND ${v.o(column)} <> ${v.n(column)})` : 'FALSE'
}

/** Before-image, after-image and current value all differ, or the current value cannot be told to be ours. */
export function foreign(column: Column, v: View): string {
  if (column.ignore) return 'FALSE'
  const now = v.current(column)
  const image = `${touched(column, v)} AND ${differ(column, now, v.o(column))}
      AND (${differ(column, now, v.n(column))} OR ${v.broken(column)})`
  if (!column.delta) return `(${image})`
  return `IF(${asDelta(column, v)}, ${v.o(column)} <> ${v.n(column)} AND ${now} IS NULL, ${image})`
}

/** The current value is the one that we left. */
export function ours(column: Column, v: View): string {
  const image = `${touched(column, v)} AND ${same(column, v.current(column), v.n(column))} AND NOT ${v.broken(column)}`
  return column.delta ? `(NOT ${asDelta(column, v)} AND ${image})` : `(${image})`
}

export function any(columns: readonly Column[], expression: (column: Column) => string): string {
  const parts = columns.map(expression).filter(part => part !== 'FALSE')
  return parts.length === 0 ? 'FALSE' : `(${parts.join('\n   OR ')})`
}

/** The row's key after the action is not the one that it had before. */
export function keyMoved(table: CapturedTable, alias = 'n'): string {
  const parts = keyColumns(table).map(c => `${alias}.${before(c)} <=> ${alias}.${after(c)}`)
  return `(${alias}.op = 'U' AND NOT (${parts.join(' AND ')}))`
}

/** The current row differs from the after-image (an inserted row) or the before-image (a deleted one). */
export function rowDiffers(table: CapturedTable, v: View, image: 'before' | 'after'): string {
  const compared = table.columns.filter(column => !column.ignore)
  return any(compared, c => differ(c, v.current(c), image === 'after' ? v.n(c) : v.o(c)))
}

/** Value that the undo writes into an updated row. */
export function restored(column: Column, v: View, force: boolean): string {
  const now = v.current(column)
  const wanted = force
    ? touched(column, v)
    : `${touched(column, v)} AND ${same(column, now, v.n(column))} AND NOT ${v.broken(column)}`
  const image = `IF(${wanted}, ${v.o(column)}, ${now})`
  return column.delta ? `IF(${deltaTouched(column, v)}, ${inverse(column, v)}, ${image})` : image
}

/** Exact, and below zero where the column itself could not be: whether the result fits is the column's to say. */
export const exact = (column: Column, value: string) =>
  `CAST(${value} AS DECIMAL(65, ${column.family === 'decimal' ? Number(/scale (\d+)/.exec(column.type)?.[1] ?? 0) : 0}))`

export function inverse(column: Column, v: View): string {
  const [now, n, o] = [v.current(column), v.n(column), v.o(column)].map(value => exact(column, value))
  return `${now} - (${n} - ${o})`
}

/** Joins a table aliased `alias` to a net change by the key that the row has before or after the action. */
export function keyMatch(table: CapturedTable, image: 'before' | 'after', alias = 't'): string {
  return keyColumns(table)
    .map(c => `${alias}.${ident(c.name)} = n.${image === 'after' ? after(c) : before(c)}`)
    .join(' AND ')
}

/** A value as text that depends on nothing but the value. NULL stays NULL. */
export function canonical(column: Column, value: string): string {
  switch (column.family) {
    case 'text':
    case 'binary':
      return value
    case 'float':
      return `CAST(${value} + 0e0 AS CHAR)`
    case 'bit':
      return `CAST(${value} + 0 AS CHAR)`
    case 'moment':
      return `CAST(CAST(${value} AS DATETIME(6)) AS CHAR)`
    case 'time':
      return `CAST(CAST(${value} AS TIME(6)) AS CHAR)`
    case 'integer':
    case 'decimal':
    case 'date':
    case 'uuid':
      return `CAST(${value} AS CHAR)`
    default:
      return column.family satisfies never
  }
}

/** "shop.orders[id=1017]": names the row to people. */
export function itemText(table: CapturedTable, value: (column: Column) => string): string {
  const parts = keyColumns(table).map((c, i) => {
    const text =
      c.family === 'binary' ? `HEX(${value(c)})` : `CONVERT(${canonical(c, value(c))} USING utf8mb4)`
    return `${literal(`${i > 0 ? ',' : ''}${c.name}=`)}, ${text}`
  })
  return `CONCAT(${literal(`${table.label}[`)}, ${parts.join(', ')}, ']')`
}

/** What one row contributes to a digest, as hex; an absent row has the image "-". */
export function rowHash(
  table: CapturedTable,
  item: string,
  value: (column: Column) => string,
  present: string,
): string {
  const image = table.columns.map(c => `COALESCE(HEX(CAST(${canonical(c, value(c))} AS BINARY)), '-')`)
  return `SHA2(CONCAT(${item}, '=', IF(${present}, CONCAT_WS(',', ${image.join(', ')}), '-')), 256)`
}
