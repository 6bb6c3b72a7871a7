import type { ConflictPolicy } from '@unwind/contracts'
import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import {
  any,
  deltaTouched,
  foreign,
  inverse,
  keyMatch,
  ours,
  restored,
  rowDiffers,
  same,
  touched,
  type View,
  viewOf,
} from './compare.js'
import { after, before, targetAs } from './names.js'
import type { Net, Op } from './net.js'
import { ident, qualified } from './quote.js'

/**
 * The statements that undo the net changes of one kind in one table; the rows that they report as affected (matched, that is)
 * add up to how many were undone. Each writes only where the current value is the one that we left, in the same statement that locks
 * the row, so a concurrent writer cannot slip in between (I6): at READ COMMITTED a changing statement reads rows as they are once
 * it holds their locks. In mode park a row that is not ours any more is left; the caller compares counts.
 */
export function undoStatements(net: Net, op: Op, mode: ConflictPolicy): readonly string[] {
  switch (op) {
    case 'U':
      return updates(net, mode)
    case 'I':
      return [removal(net, mode === 'force')]
    case 'D':
      return [insertion(net, 'D', mode === 'force'), ...(mode === 'force' ? [overwriting(net)] : [])]
    default:
      return op satisfies never
  }
}

/** Locks the rows that were inserted or updated, in one order for all undos, so that a look at them stays true. */
export function lockStatement(net: Net, op: Op): string {
  const { table } = net
  return `SELECT COUNT(*) AS locked FROM ${net.from} STRAIGHT_JOIN ${targetAs(table, 't')} ON ${keyMatch(table, op === 'D' ? 'before' : 'after')}
    WHERE ${net.where} AND n.op = '${op}' FOR UPDATE`
}

/**
 * Rows that refer to inserted ones and would be deleted or changed together with them, though the action did not write them (I6).
 * The inserted rows must be locked: a new reference needs a lock that conflicts, so none can come in after the look.
 */
export function cascadeQueries(net: Net): readonly { readonly label: string; readonly query: string }[] {
  const { table } = net
  return table.cascades
    .filter(cascade => cascade.onDelete !== 'none')
    .map(cascade => {
      const on = cascade.columns.map(
        pair => `child.${ident(pair.theirs)} = n.${after(columnNamed(table, pair.ours))}`,
      )
      const own =
        cascade.label === table.label
          ? ` AND NOT EXISTS (SELECT 1 FROM ${net.from.replace(/ n$/, ' m')} WHERE ${net.where.replaceAll('n.', 'm.')} AND m.op = 'I'
             AND ${keyColumns(table)
               .map(c => `child.${ident(c.name)} = m.${after(c)}`)
               .join(' AND ')})`
          : ''
      const query = `SELECT 1 AS found FROM ${net.from} STRAIGHT_JOIN ${qualified(cascade.database, cascade.name)} child
        ON ${on.join(' AND ')} WHERE ${net.where} AND n.op = 'I'${own} LIMIT 1`
      return { label: cascade.label, query }
    })
}

const target = (table: CapturedTable) => qualified(table.database, table.name)
const columnNamed = (table: CapturedTable, name: string) =>
  table.columns.find(column => column.name === name) ?? keyColumns(table)[0]!

function updates(net: Net, mode: ConflictPolicy): readonly string[] {
  const { table } = net
  const v = viewOf(table, net.folded)
  const force = mode === 'force'
  const deltas = table.columns.filter(column => column.delta)
  const update = (assignments: readonly string[], conditions: readonly string[]) =>
    `UPDATE ${net.from} STRAIGHT_JOIN ${targetAs(table, 't')} ON ${keyMatch(table, 'after')}
    SET ${assignments.join(',\n      ')}
    WHERE ${[net.where, `n.op = 'U'`, ...conditions].join('\n      AND ')}`
  // A column that others follow by ON UPDATE is set too, so that a time of change comes back as it was.
  const all = table.columns.map(c => `t.${ident(c.name)} = ${restored(c, v, force)}`)
  const differing = any(table.columns, c => forcedDifference(c, v))
  const due = [
    any(table.columns, c => ours(c, v)),
    any(deltas, c => deltaTouched(c, v)),
    ...(force ? [differing] : []),
  ]
  const wanted = `(${due.filter(part => part !== 'FALSE').join(' OR ')})`
  const calm = `NOT ${any(table.columns, c => foreign(c, v))}`
  const main = update(all, mode === 'park' || mode === 'keep' ? [calm, wanted] : [wanted])
  const statements = [main]
  // Differences commute, so they are undone even in a row whose other columns are kept.
  if (mode === 'keep' && deltas.length > 0)
    statements.push(
      update(
        // Every column is named, so that no time of change moves.
        table.columns.map(c =>
          c.delta
            ? `t.${ident(c.name)} = IF(${deltaTouched(c, v)}, ${inverse(c, v)}, ${v.current(c)})`
            : `t.${ident(c.name)} = ${v.current(c)}`,
        ),
        [any(deltas, c => deltaTouched(c, v)), any(table.columns, c => foreign(c, v))],
      ),
    )
  if (force) statements.push(insertion(net, 'U', true))
  return statements
}

const forcedDifference = (c: Column, v: View) => `(${touched(c, v)} AND NOT ${same(c, v.current(c), v.o(c))})`

function removal(net: Net, force: boolean): string {
  const { table } = net
  const v = viewOf(table, net.folded)
  const ours = force ? '' : ` AND NOT (${v.anyBroken} OR ${rowDiffers(table, v, 'after')})`
  return `DELETE t FROM ${net.from} STRAIGHT_JOIN ${targetAs(table, 't')} ON ${keyMatch(table, 'after')}
    WHERE ${net.where} AND n.op = 'I'${ours}`
}

/** The same identity again; rows that were deleted last come back first. One that is there already is left to be looked at. */
function insertion(net: Net, op: 'D' | 'U', force: boolean): string {
  const { table } = net
  const v = viewOf(table, net.folded)
  const there = (image: 'before' | 'after') =>
    `NOT EXISTS (SELECT 1 FROM ${targetAs(table, 't')} WHERE ${keyMatch(table, image)})`
  const conditions = [
    net.where,
    `n.op = '${op}'`,
    ...(force ? [] : [`NOT ${v.anyBroken}`]),
    there('before'),
    ...(op === 'U' ? [there('after')] : []),
  ]
  return `INSERT INTO ${target(table)} (${table.columns.map(c => ident(c.name)).join(', ')})
    SELECT ${table.columns.map(c => `n.${before(c)}`).join(', ')} FROM ${net.from}
    WHERE ${conditions.join(' AND ')} ORDER BY n.seq DESC`
}

function overwriting(net: Net): string {
  const { table } = net
  const v = viewOf(table, net.folded)
  return `UPDATE ${net.from} STRAIGHT_JOIN ${targetAs(table, 't')} ON ${keyMatch(table, 'before')}
    SET ${table.columns.map(c => `t.${ident(c.name)} = n.${before(c)}`).join(', ')}
    WHERE ${net.where} AND n.op = 'D' AND ${rowDiffers(table, v, 'before')}`
}
