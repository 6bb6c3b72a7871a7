import type { ConflictPolicy } from '@unwind/contracts'
import type { Session } from '../database.js'
import { isConstraint, StepConflict, StepFailed } from '../errors.js'
import type { CapturedTable } from '../layout.js'
import type { Net, Op } from '../sql/net.js'
import { keptStatement, openQuery } from '../sql/review.js'
import { cascadeQueries, lockStatement, undoStatements } from '../sql/undo.js'
import { differencesOf } from './differences.js'
import { withLater } from './later.js'

/** What one step's undo is about, whatever order it takes. */
export interface Undoing {
  readonly session: Session
  readonly database: string
  /** The step's key, under which kept rows are noted. */
  readonly key: string
  readonly entries: readonly string[]
  readonly nets: readonly Net[]
  mode(table: CapturedTable): ConflictPolicy
}

export interface Acted {
  readonly items: number
  /** Rows in which newer data was overwritten. */
  readonly overwritten: number
}

/** A constraint stands against this order of changes; another may do. */
export class OrderFailed extends Error {
  override readonly name = 'OrderFailed'
  constructor(
    /** What the database said; null: rows stand in each other's way. */
    readonly reason: unknown,
    readonly table: CapturedTable,
  ) {
    super('another order is needed')
  }
}

/**
 * What there is to do, in an order that foreign keys allow: deleted rows come back (referred-to tables first), updates, inserted
 * rows go (referring tables first). Variant 2 lets inserted rows go first: a replaced row has to go before the one that held
 * the same unique value comes back. Updates are taken in the order in which the action took them, so that an undo and the
 * application's own transactions lock rows in the same order.
 */
export function passes(
  nets: readonly Net[],
  variant: 1 | 2,
): readonly { readonly net: Net; readonly op: Op }[] {
  const rank = (op: Op) => (op === 'U' ? 2 : (op === 'D') === (variant === 1) ? 1 : 3)
  const within = (net: Net, op: Op) => (op === 'D' ? net.table.depth : op === 'I' ? -net.table.depth : 0)
  return nets
    .flatMap(net => (['D', 'U', 'I'] as const).filter(op => net.counts[op] > 0).map(op => ({ net, op })))
    .sort(
      (a, b) =>
        rank(a.op) - rank(b.op) ||
        within(a.net, a.op) - within(b.net, b.op) ||
        (a.net.first < b.net.first ? -1 : a.net.first > b.net.first ? 1 : b.net.table.rel - a.net.table.rel),
    )
}

/**
 * One pass over all tables, a statement a table and kind of change. Stops at the first row that is not ours any more.
 * @throws StepConflict, StepFailed, OrderFailed; a database error as it is.
 */
export async function act(undoing: Undoing, variant: 1 | 2): Promise<Acted> {
  let items = 0
  let overwritten = 0
  for (const { net, op } of passes(undoing.nets, variant)) {
    const done = await undoOne(undoing, net, op)
    items += net.counts[op]
    overwritten += done.overwritten
    if (!done.open) continue
    if (done.conflicts === 0)
      throw new StepFailed(
        'transient',
        `rows of ${net.table.label} changed while they were being undone`,
        'It is tried again by itself.',
      )
    if (undoing.nets.some(each => each.moved)) throw new OrderFailed(null, net.table)
    throw new StepConflict(await conflictsOf(undoing))
  }
  return { items, overwritten }
}

export interface Done {
  readonly acted: number
  readonly overwritten: number
  /** Mode park, and some rows were left although they are not restored. */
  readonly open: boolean
  readonly conflicts: number
}

/** Undoes the net changes of one kind in one table. */
export async function undoOne(undoing: Undoing, net: Net, op: Op): Promise<Done> {
  const { session, database } = undoing
  const mode = undoing.mode(net.table)
  let overwritten = 0
  let acted = 0
  try {
    if (mode !== 'park') {
      await session.rows(lockStatement(net, op))
      const marked = await withLater(session, database, net, undoing.entries)
      if (mode === 'force') overwritten = await conflictsIn(undoing, marked, op)
      else await session.run(keptStatement(database, marked, op), [undoing.key])
    }
    if (op === 'I' && mode !== 'force') await guardCascades(undoing, net)
    for (const statement of undoStatements(net, op, mode)) acted += await session.run(statement)
  } catch (error) {
    if (isConstraint(error)) throw new OrderFailed(error, net.table)
    throw error
  }
  if (mode !== 'park' || acted >= net.counts[op]) return { acted, overwritten, open: false, conflicts: 0 }
  // Only now, with the rows locked or gone: who wrote them before the undo came to them is committed.
  const marked = await withLater(session, database, net, undoing.entries)
  const [left] = await session.rows<{ conflicts: string; open: string }>(openQuery(database, marked, op))
  const conflicts = Number(left!.conflicts)
  return { acted, overwritten, open: conflicts > 0 || Number(left!.open) > 0, conflicts }
}

async function conflictsIn(undoing: Undoing, net: Net, op: Op): Promise<number> {
  const [row] = await undoing.session.rows<{ conflicts: string }>(openQuery(undoing.database, net, op))
  return Number(row!.conflicts)
}

async function guardCascades(undoing: Undoing, net: Net): Promise<void> {
  const guards = cascadeQueries(net)
  if (guards.length === 0) return
  await undoing.session.rows(lockStatement(net, 'I'))
  for (const { label, query } of guards) {
    const found = await undoing.session.rows(query)
    if (found.length === 0) continue
    const said = `rows of ${label} that the action did not write refer to ${net.table.label}: they would be deleted or changed together with the inserted row`
    throw new OrderFailed(new CascadeStands(said), net.table)
  }
}

/** Deleting our row would silently delete or change rows of others (I6). */
export class CascadeStands extends Error {
  override readonly name = 'CascadeStands'
}

/** All that a person must know about newer data in the way, over all tables of the step. */
export async function conflictsOf(undoing: Undoing) {
  const all = []
  for (const net of undoing.nets) {
    const marked = await withLater(undoing.session, undoing.database, net, undoing.entries)
    all.push(...(await differencesOf(undoing.session, undoing.database, marked, [], 'conflict')))
  }
  return all
}
