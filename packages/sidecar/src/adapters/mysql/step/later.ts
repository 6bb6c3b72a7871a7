import type { Session } from '../database.js'
import { candidatesQuery, laterQuery, laterStatements, mineStatements } from '../sql/later.js'
import { mineTable } from '../sql/names.js'
import type { Net } from '../sql/net.js'
import { ident, numbers } from '../sql/quote.js'

/** Correlation IDs that one query asks about. */
const CHUNK = 500

/**
 * Marks the rows that are as before the action only because a newer business transaction wrote them: they must not count as
 * restored, since undoing that one afterwards would bring the action's state back (I3, I6). Writes of undos, and of what is
 * undone already, do not count: nobody will take them back again. Asked before the undo only; what comes after it is newer.
 * @param entries the step's own.
 * @returns the same net, whose review knows the marks.
 */
export async function withLater(
  session: Session,
  database: string,
  net: Net,
  entries: readonly string[],
): Promise<Net> {
  const unmarked = { ...net, later: false }
  for (const statement of mineStatements(database, net)) await session.run(statement)
  const [any] = await session.rows(`SELECT 1 FROM ${mineTable(database, net.table.rel)} LIMIT 1`)
  if (!any) return unmarked
  const own = await session.rows<{ id: string; place: string | null; correlation_id: string }>(
    `SELECT id, place, correlation_id FROM ${ident(database)}.entry WHERE id IN (${numbers(entries)}) ORDER BY id`,
  )
  if (own.length === 0) return unmarked
  const places = own
    .flatMap(row => (row.place === null ? [] : [BigInt(row.place)]))
    .sort((a, b) => (a < b ? -1 : 1))
  const since = { id: own[0]!.id, place: places[0]?.toString() ?? null }
  const found = await session.rows<{ tx: string; correlation_id: string }>(
    `SELECT DISTINCT f.tx, f.correlation_id FROM (${laterQuery(database, net.table, candidatesQuery(database, since))}) f`,
  )
  const ours = new Set(own.map(row => row.correlation_id))
  const others = found.filter(row => !ours.has(row.correlation_id))
  const settled = await settledOf(session, database, [...new Set(others.map(row => row.correlation_id))])
  const counted = others.filter(row => !settled.has(row.correlation_id)).map(row => row.tx)
  if (counted.length === 0) return unmarked
  for (const statement of laterStatements(database, net.table, [...new Set(counted)]))
    await session.run(statement)
  return { ...net, later: true }
}

/** Those of the correlation IDs that are undos themselves, or are undone. */
async function settledOf(
  session: Session,
  database: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const undos = await rollbacksBy(session, database, ids, 'rollback_id')
  const asked = ids.filter(id => !undos.has(id))
  return new Set([...undos.keys(), ...(await undoneOf(session, database, asked))])
}

/** Rolled back, by a rollback that is not rolled back in its turn. */
async function undoneOf(
  session: Session,
  database: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rollbacks = await rollbacksBy(session, database, ids, 'correlation_id')
  const inTurn = [...new Set([...rollbacks.values()].flat())].filter(id => !ids.includes(id))
  const takenBack = await undoneOf(session, database, inTurn)
  return new Set(ids.filter(id => rollbacks.get(id)?.some(rollback => !takenBack.has(rollback))))
}

/** From the effect records: for each ID that is found in the column `by`, the rollbacks. */
async function rollbacksBy(
  session: Session,
  database: string,
  ids: readonly string[],
  by: 'correlation_id' | 'rollback_id',
): Promise<ReadonlyMap<string, readonly string[]>> {
  const all = new Map<string, string[]>()
  for (let i = 0; i < ids.length; i += CHUNK) {
    const chunk = ids.slice(i, i + CHUNK)
    const rows = await session.rows<{ id: string; rollback_id: string }>(
      `SELECT DISTINCT ${by} AS id, rollback_id FROM ${ident(database)}.effect WHERE ${by} IN (${chunk.map(() => '?').join(', ')})`,
      chunk,
    )
    for (const { id, rollback_id } of rows) all.set(id, [...(all.get(id) ?? []), rollback_id])
  }
  return all
}
