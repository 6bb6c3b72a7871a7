import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import {
  any,
  canonical,
  deltaTouched,
  exact,
  foreign,
  itemText,
  keyMatch,
  keyMoved,
  ours,
  rowDiffers,
  rowHash,
  same,
  type View,
  viewOf,
} from './compare.js'
import { after, before, laterTable, logAs, targetAs } from './names.js'
import type { Net, Op } from './net.js'
import { ident, literal, numbers } from './quote.js'

export type Verdict = 'restored' | 'ours' | 'delta' | 'conflict'

/**
 * Each net change against the current row, changing nothing: op, item, hash of the row as it is, and the verdict:
 * restored · ours (can be undone) · delta (differences still to be undone) · conflict.
 *
 * What can a later, separate read prove of a column that others keep changing? Not its value. The undo's own writes were logged
 * by the table's trigger in the undo's entry; so `delta` is restored when that log, which only a committed transaction shows,
 * holds exactly the inverse difference, and the row is still there.
 *
 * Before the undo a row that is as before only by a later business transaction is a conflict, with its `writer`, where the net says so.
 * @param undoEntries the log's entries of the undo; empty: there was none.
 */
export function reviewQuery(
  database: string,
  net: Net,
  undoEntries: readonly string[],
  more: readonly string[] = [],
): string {
  const { table } = net
  const v = reviewed(table, net.folded)
  const item = itemText(table, c => `IF(n.op = 'D', n.${before(c)}, n.${after(c)})`)
  const looked = (name: string) => `SELECT n.op, ${item} AS item, ${verdict(table, v)} AS ${name},
      ${rowHash(table, item, v.current, 'n.present')} AS hash${more.map(one => `, ${one}`).join('')}
    FROM (${rows(database, net, undoEntries)}) n`
  if (!net.later) return looked('verdict')
  return `SELECT q.*, IF(q.looked = 'restored' AND w.hash IS NOT NULL, 'conflict', q.looked) AS verdict, IF(q.looked = 'restored', w.writer, NULL) AS writer
    FROM (${looked('looked')}) q LEFT JOIN ${laterTable(database, table.rel)} w ON w.hash = UNHEX(SHA2(q.item, 256))`
}

/** Counts by verdict, and by the first two digits of the hash, so that no digest is over more rows than memory likes. */
export function tallyQuery(
  database: string,
  net: Net,
  undoEntries: readonly string[],
  key: string,
): { readonly sql: string; readonly values: readonly string[] } {
  const kept = `EXISTS (SELECT 1 FROM ${ident(database)}.kept k WHERE k.\`key\` = ? AND k.hash = SHA2(r.item, 256))`
  return {
    sql: `SELECT LEFT(r.hash, 2) AS bucket, COUNT(*) AS expected, SUM(r.verdict = 'restored') AS restored,
      SUM(r.verdict <> 'restored' AND ${kept}) AS kept, SHA2(GROUP_CONCAT(r.hash ORDER BY r.hash SEPARATOR ''), 256) AS digest
      FROM (${reviewQuery(database, net, undoEntries)}) r GROUP BY LEFT(r.hash, 2) ORDER BY bucket`,
    values: [key],
  }
}

/** How many changes of one kind are in conflict, and how many could still be undone. */
export function openQuery(database: string, net: Net, op: Op | null): string {
  return `SELECT COALESCE(SUM(r.verdict = 'conflict'), 0) AS conflicts, COALESCE(SUM(r.verdict = 'ours'), 0) AS open
    FROM (${reviewQuery(database, net, [])}) r${op === null ? '' : ` WHERE r.op = '${op}'`}`
}

/** Marks the rows that keep newer data. */
export function keptStatement(database: string, net: Net, op: Op): string {
  return `INSERT IGNORE INTO ${ident(database)}.kept (\`key\`, hash)
    SELECT ?, SHA2(r.item, 256) FROM (${reviewQuery(database, net, [])}) r WHERE r.op = '${op}' AND r.verdict = 'conflict'`
}

/** The rows that are not restored, with each column's three values as JSON text, where they are to be shown. */
export function differencesQuery(
  database: string,
  net: Net,
  undoEntries: readonly string[],
  only: Verdict | null,
  limit: number,
): string {
  const { table } = net
  const v = reviewed(table, net.folded)
  const columns = table.columns.flatMap(c => {
    const shown = `CASE n.op WHEN 'U' THEN ${any([c], x => foreign(x, v))} OR ${ours(c, v)} OR ${deltaTouched(c, v)}
        WHEN 'I' THEN NOT ${same(c, v.current(c), v.n(c))} ELSE NOT ${same(c, v.current(c), v.o(c))} END`
    return [
      `${shown} AS s${c.number}`,
      `${jsonText(c, v.o(c))} AS o${c.number}`,
      `${jsonText(c, v.n(c))} AS n${c.number}`,
      `${jsonText(c, v.current(c))} AS c${c.number}`,
    ]
  })
  const unchanged = `(n.op = 'I' AND NOT (${v.anyBroken} OR ${rowDiffers(table, v, 'after')})) AS unchanged`
  return `SELECT * FROM (${reviewQuery(database, net, undoEntries, ['n.present', unchanged, ...columns])}) r
    WHERE ${only === null ? `r.verdict <> 'restored'` : `r.verdict = ${literal(only)}`} ORDER BY r.verdict LIMIT ${limit}`
}

/** The same expressions, over a derived row that holds change and current row side by side. */
export function reviewed(table: CapturedTable, folded: boolean): View {
  return { ...viewOf(table, folded), current: column => `n.c${column.number}` }
}

function verdict(table: CapturedTable, v: View): string {
  const deltas = table.columns.filter(column => column.delta)
  const pending = any(
    deltas,
    c =>
      `(${deltaTouched(c, v)} AND COALESCE(n.d${c.number}, 0) <> ${exact(c, v.o(c))} - ${exact(c, v.n(c))})`,
  )
  return `CASE n.op
      WHEN 'U' THEN CASE WHEN NOT n.present OR ${any(table.columns, c => foreign(c, v))} THEN 'conflict'
        WHEN ${any(table.columns, c => ours(c, v))} THEN 'ours' WHEN ${pending} THEN 'delta' ELSE 'restored' END
      WHEN 'I' THEN CASE WHEN NOT n.present THEN 'restored'
        WHEN ${v.anyBroken} OR ${rowDiffers(table, v, 'after')} THEN 'conflict' ELSE 'ours' END
      ELSE CASE WHEN NOT n.present THEN IF(${v.anyBroken}, 'conflict', 'ours')
        WHEN ${rowDiffers(table, v, 'before')} THEN 'conflict' ELSE 'restored' END
      END`
}

/** Change and current row. A row whose key changed is looked for under its old key too: somebody may have put it back. */
function rows(database: string, net: Net, undoEntries: readonly string[]): string {
  const { table } = net
  const key = keyColumns(table)
  const there = (alias: string) => `${alias}.${ident(key[0]!.name)} IS NOT NULL`
  const located = key
    .map(c => `t.${ident(c.name)} = IF(n.op = 'D', n.${before(c)}, n.${after(c)})`)
    .join(' AND ')
  const past: View = { ...viewOf(table, net.folded), current: c => `p.${ident(c.name)}` }
  // Keys that went round in a circle: under the new key there is a row again, but another one.
  const back = `(${there('p')} AND (NOT ${there('t')} OR NOT ${rowDiffers(table, past, 'before')}))`
  const current = (c: Column) =>
    net.moved ? `IF(${back}, p.${ident(c.name)}, t.${ident(c.name)})` : `t.${ident(c.name)}`
  // Where our inserted row was, there may be the one that the undo has moved back to its old key: then ours is gone.
  const told = table.columns.filter(column => !column.ignore && !column.delta)
  const movedBack = `n.op = 'I' AND EXISTS (SELECT 1 FROM ${logAs(database, table.rel, 'g')}
      WHERE g.tx IN (${numbers(undoEntries)}) AND ${keyMoved(table, 'g')}
      AND NOT ${any(told, c => `NOT ${same(c, `t.${ident(c.name)}`, `g.${after(c)}`)}`)})`
  const standing = undoEntries.length > 0 ? `${there('t')} AND NOT (${movedBack})` : there('t')
  const present = net.moved ? `(${standing} OR ${there('p')})` : `(${there('t')})`
  const deltas = table.columns.filter(column => column.delta)
  const columns = [
    'n.op',
    'n.seq',
    ...table.columns.flatMap(c => [
      `n.${before(c)}`,
      `n.${after(c)}`,
      ...(net.folded ? [`n.b${c.number}`] : []),
      `${current(c)} AS c${c.number}`,
    ]),
    `${present} AS present`,
    ...deltas.map(c => (undoEntries.length > 0 ? `u.d${c.number}` : `NULL AS d${c.number}`)),
  ]
  return `SELECT ${columns.join(', ')} FROM ${net.from}
      LEFT JOIN ${targetAs(table, 't')} ON ${located}
      ${net.moved ? `LEFT JOIN ${targetAs(table, 'p')} ON ${keyMoved(table)} AND ${keyMatch(table, 'before', 'p')}` : ''}
      ${deltas.length > 0 && undoEntries.length > 0 ? evidence(database, table, deltas, undoEntries) : ''}
      WHERE ${net.where} AND n.op <> '-'`
}

/** What the undo itself did to the columns whose changes commute, by the key that the row had in the end. */
function evidence(
  database: string,
  table: CapturedTable,
  deltas: readonly Column[],
  undoEntries: readonly string[],
): string {
  const key = keyColumns(table)
  const sums = deltas.map(
    c => `SUM(${exact(c, `g.${after(c)}`)} - ${exact(c, `g.${before(c)}`)}) AS d${c.number}`,
  )
  return `LEFT JOIN (SELECT ${key.map(c => `g.${after(c)} AS k${c.number}`).join(', ')}, ${sums.join(', ')}
        FROM ${logAs(database, table.rel, 'g')} WHERE g.tx IN (${numbers(undoEntries)}) AND g.op = 'U'
        GROUP BY ${key.map(c => `g.${after(c)}`).join(', ')}) u
        ON n.op = 'U' AND ${key.map(c => `u.k${c.number} = n.${before(c)}`).join(' AND ')}`
}

/** A value as JSON text; NULL stays NULL. */
function jsonText(column: Column, value: string): string {
  const text = canonical(column, value)
  switch (column.family) {
    case 'integer':
    case 'decimal':
    case 'float':
    case 'bit':
      return text
    case 'binary':
      return `JSON_QUOTE(CONCAT('0x', HEX(${value})))`
    case 'text':
      return `JSON_QUOTE(CONVERT(${value} USING utf8mb4))`
    default:
      return `JSON_QUOTE(${text})`
  }
}
