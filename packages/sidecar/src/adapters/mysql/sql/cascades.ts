import type { CapturedTable, Cascade } from '../layout.js'
import { logTable, sessionVariable } from './names.js'
import { ident, qualified } from './quote.js'

/** Statements inside the triggers of a table that others refer to. */
export interface CascadeStatements {
  readonly onDelete: readonly string[]
  readonly onUpdate: readonly string[]
}

const DEEPEST = 6

/**
 * The server deletes and changes referring rows below all triggers. So the trigger of the row that they refer to logs them as if
 * they had triggers of their own: `DELETE` logs them before they are gone, a changed key after they followed it. Where that is
 * not possible (the other table is not captured, refers to itself, or takes its correlation ID from a column), rows that would
 * change unseen are marked as such: the action can then not be undone, and says so (I3).
 */
export function cascadeStatements(
  database: string,
  table: CapturedTable,
  neighbours: ReadonlyMap<string, CapturedTable>,
): CascadeStatements {
  const context = { database, root: table, neighbours }
  const onDelete = table.cascades.flatMap(cascade => deleted(context, [cascade]))
  const moved = (cascade: Cascade) =>
    cascade.columns.map(pair => `OLD.${ident(pair.ours)} <=> NEW.${ident(pair.ours)}`).join(' AND ')
  const onUpdate = table.cascades
    .filter(cascade => cascade.onUpdate !== 'none')
    .flatMap(cascade => [`IF NOT (${moved(cascade)}) THEN`, `  ${updated(context, cascade)}`, 'END IF;'])
  return { onDelete, onUpdate }
}

interface Context {
  readonly database: string
  readonly root: CapturedTable
  readonly neighbours: ReadonlyMap<string, CapturedTable>
}

/** One path of foreign keys from the deleted row: the deepest rows first, as they go before those that they refer to. */
function deleted(context: Context, path: readonly Cascade[]): readonly string[] {
  const last = path.at(-1)!
  if (last.onDelete === 'none') return []
  const table = context.neighbours.get(last.label)
  const circular =
    last.label === context.root.label || path.slice(0, -1).some(step => step.label === last.label)
  if (!table || table.correlation.kind === 'column' || circular || path.length > DEEPEST)
    return [unseen(context, path)]
  if (last.onDelete === 'clear') return [logged(context, path, table, 'U', cleared(last))]
  const deeper = table.cascades.flatMap(cascade => deleted(context, [...path, cascade]))
  return [...deeper, logged(context, path, table, 'D', () => 'NULL')]
}

function updated(context: Context, cascade: Cascade): string {
  const table = context.neighbours.get(cascade.label)
  const plain =
    table !== undefined && table.correlation.kind !== 'column' && cascade.label !== context.root.label
  // The key that they follow is itself referred to by others: those followed too, and are not logged.
  const passedOn = table?.cascades.some(
    next =>
      next.onUpdate !== 'none' &&
      next.columns.some(pair => cascade.columns.some(c => c.theirs === pair.ours)),
  )
  if (!plain || passedOn || cascade.onUpdate === 'clear') {
    const row = cascade.onUpdate === 'clear' ? 'OLD' : 'NEW'
    return unseen(context, [cascade], row)
  }
  const old = (name: string) => cascade.columns.find(pair => pair.theirs === name)?.ours
  const values = table.columns.map(column => {
    const ours = old(column.name)
    return ours === undefined ? `t0.${ident(column.name)}` : `OLD.${ident(ours)}`
  })
  const now = table.columns.map(column => `t0.${ident(column.name)}`)
  return `INSERT INTO ${logTable(context.database, table.rel)}
        SELECT ${head(context.database)}, 'U', ${[...values, ...now].join(', ')} FROM ${joined([cascade], 'NEW')} FOR UPDATE;`
}

const head = (database: string) =>
  `${sessionVariable(database, 'entry')}, NEXTVAL(${ident(database)}.numbers)`

function cleared(cascade: Cascade): (name: string) => string | null {
  return name => (cascade.columns.some(pair => pair.theirs === name) ? 'NULL' : null)
}

/** @param replaced the value that a column has afterwards; null: the one that it had. */
function logged(
  context: Context,
  path: readonly Cascade[],
  table: CapturedTable,
  op: 'U' | 'D',
  replaced: (name: string) => string | null,
): string {
  const alias = `t${path.length - 1}`
  const own = table.columns.map(column => `${alias}.${ident(column.name)}`)
  const then = table.columns.map(column => replaced(column.name) ?? `${alias}.${ident(column.name)}`)
  return `INSERT INTO ${logTable(context.database, table.rel)}
      SELECT ${head(context.database)}, '${op}', ${[...own, ...then].join(', ')} FROM ${joined(path, 'OLD')} FOR UPDATE;`
}

/** A mark in the log of the table whose trigger it is. */
function unseen(context: Context, path: readonly Cascade[], row: 'OLD' | 'NEW' = 'OLD'): string {
  return `IF EXISTS (SELECT 1 FROM ${joined(path, row)}) THEN
      INSERT INTO ${logTable(context.database, context.root.rel)} (tx, seq, op) VALUES (${head(context.database)}, 'X');
    END IF;`
}

/** The rows at the end of a path of foreign keys that begins at the trigger's row. */
function joined(path: readonly Cascade[], row: 'OLD' | 'NEW'): string {
  const steps = path.map((cascade, i) => {
    const on = cascade.columns.map(pair => {
      const ours = i === 0 ? `${row}.${ident(pair.ours)}` : `t${i - 1}.${ident(pair.ours)}`
      return `t${i}.${ident(pair.theirs)} = ${ours}`
    })
    return { from: `${qualified(cascade.database, cascade.name)} t${i}`, on }
  })
  return `${steps.map(step => step.from).join(' STRAIGHT_JOIN ')} WHERE ${steps.flatMap(step => step.on).join(' AND ')}`
}
