import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import { after, before } from './capture.js'
import { ident, literal } from './quote.js'

/**
 * Expressions over a net change `n` (columns o…, n…, broken) and, where it is there, the current row `t`. Equality means
 * equal images, not "equal to the type's operator": 1.0 and 1.00 differ, and types without an operator (json) compare.
 */
export function same(column: Column, a: string, b: string): string {
  return column.plain ? `${a} IS NOT DISTINCT FROM ${b}` : `pg_catalog.record_image_eq(ROW(${a}), ROW(${b}))`
}

export function current(column: Column, alias = 't'): string {
  const value = `${alias}.${ident(column.name)}`
  return column.domain ? `${value}::${column.type}` : value
}

const o = (column: Column, alias = 'n') => `${alias}.${before(column)}`
const n = (column: Column, alias = 'n') => `${alias}.${after(column)}`

/** Somebody else wrote this column between two of our changes, so there is no one value that is ours (I6). */
function broken(column: Column): string {
  return `(n.broken IS NOT NULL AND ${column.number} = ANY (n.broken))`
}

/** A difference exists only between two values; a change from or to NULL is compared as an image. */
function asDelta(column: Column): string {
  return column.delta ? `(${o(column)} IS NOT NULL AND ${n(column)} IS NOT NULL)` : 'false'
}

export function touched(column: Column): string {
  return `(NOT (${same(column, o(column), n(column))}) OR ${broken(column)})`
}

/** This column is to be undone by the inverse difference. */
export function deltaTouched(column: Column): string {
  return column.delta ? `(${asDelta(column)} AND ${o(column)} <> ${n(column)})` : 'false'
}

/** Before-image, after-image and current value all differ, or the current value cannot be told to be ours. */
export function foreign(column: Column): string {
  if (column.ignore) return 'false'
  const image = `${touched(column)} AND NOT (${same(column, current(column), o(column))})
      AND (NOT (${same(column, current(column), n(column))}) OR ${broken(column)})`
  if (!column.delta) return `(${image})`
  return `CASE WHEN ${asDelta(column)} THEN ${o(column)} <> ${n(column)} AND ${current(column)} IS NULL ELSE ${image} END`
}

/** The current value is the one that we left. */
export function ours(column: Column): string {
  const image = `${touched(column)} AND ${same(column, current(column), n(column))} AND NOT ${broken(column)}`
  return column.delta ? `(NOT ${asDelta(column)} AND ${image})` : `(${image})`
}

export function any(columns: readonly Column[], expression: (column: Column) => string): string {
  const parts = columns.map(expression).filter(part => part !== 'false')
  return parts.length === 0 ? 'false' : `(${parts.join('\n   OR ')})`
}

/** The row's key after the action is not the one that it had before. */
export function keyMoved(table: CapturedTable, alias = 'n'): string {
  const list = (side: typeof o) =>
    keyColumns(table)
      .map(column => side(column, alias))
      .join(', ')
  return table.key.length === 0 ? 'false' : `${alias}.op = 'U' AND (${list(o)}) IS DISTINCT FROM (${list(n)})`
}

/** The current row differs from the after-image (an inserted row) or the before-image (a deleted one). */
export function rowDiffers(table: CapturedTable, image: 'before' | 'after'): string {
  const compared = table.columns.filter(column => !column.ignore)
  return any(
    compared,
    column => `NOT (${same(column, current(column), image === 'after' ? n(column) : o(column))})`,
  )
}

/** Value that the undo writes into an updated row. `p_force` is a parameter of the surrounding function. */
export function restored(column: Column): string {
  const value = current(column)
  const image = `CASE WHEN ${touched(column)} AND (p_force OR (${same(column, value, n(column))} AND NOT ${broken(column)}))
      THEN ${o(column)} ELSE ${value} END`
  return column.delta ? `CASE WHEN ${deltaTouched(column)} THEN ${inverse(column)} ELSE ${image} END` : image
}

/** The inverse difference; where nobody wrote since, the image itself, since 1 + 0.5 - 0.5 is 1.0 and was 1. */
export function inverse(column: Column): string {
  const value = current(column)
  return `CASE WHEN ${same(column, value, n(column))} THEN ${o(column)} ELSE ${value} - (${n(column)} - ${o(column)}) END`
}

/** Joins a table aliased `t` to a net change by the key that the row has after the action. */
export function keyMatch(table: CapturedTable, image: 'before' | 'after', alias = 't'): string {
  if (table.key.length === 0) return `${alias}.ctid = n.n0`
  const side = image === 'after' ? n : o
  return keyColumns(table)
    .map(column => `${current(column, alias)} = ${side(column)}`)
    .join(' AND ')
}

/** "public.orders[id=1017]": names the row to people, from an image of a row aliased `alias`. */
export function itemText(table: CapturedTable, image: 'before' | 'after', alias = 'n'): string {
  const prefix = literal(`${table.label}[`)
  if (table.key.length === 0) return `${prefix} || ${alias}.n0::text || ']'`
  const side = image === 'after' ? n : o
  const parts = keyColumns(table).map(
    (column, i) => `${literal(`${i > 0 ? ',' : ''}${column.name}=`)} || ${side(column, alias)}::text`,
  )
  return `${prefix} || ${parts.join(' || ')} || ']'`
}

/** Canonical text of an image; the sessions that compute digests fix the settings that it depends on. */
export function imageText(table: CapturedTable, value: (column: Column) => string): string {
  return `ROW(${table.columns.map(value).join(', ')})::text`
}

/** Bytes that one row contributes to a digest; an absent row has the image "-". */
export function rowHash(item: string, image: string): string {
  return `pg_catalog.sha256(pg_catalog.convert_to(${item} || '=' || coalesce(${image}, '-'), 'UTF8'))`
}
