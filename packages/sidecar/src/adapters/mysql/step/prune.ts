import type { Session } from '../database.js'
import { markOf, slotOf } from '../sql/base.js'
import { logTable } from '../sql/names.js'
import { ident, numbers } from '../sql/quote.js'
import type { CapturedTables } from './captured.js'

/**
 * Forgets entries that are published and older than `before` (epoch ms), at most `limit`, and with them effects and fences of that
 * age. In the order of their places, so it reads only what goes.
 * @returns how many entries went.
 */
export async function prune(
  session: Session,
  database: string,
  tables: CapturedTables,
  before: number,
  limit: number,
): Promise<number> {
  const d = ident(database)
  const old = `at < FROM_UNIXTIME(${before / 1_000})`
  await session.run(`DELETE k FROM ${d}.effect e JOIN ${d}.kept k ON k.\`key\` = e.\`key\` WHERE e.${old}`)
  await session.run(`DELETE FROM ${d}.effect WHERE ${old}`)
  await pruneFences(session, d, old)
  const rows = await session.rows<{ id: string; old: string }>(
    `SELECT id, ${old} AS old FROM ${d}.entry WHERE place <= (SELECT r.place FROM ${d}.relay r) ORDER BY place LIMIT ${limit}`,
  )
  const ids = rows.filter(row => row.old === '1').map(row => row.id)
  if (ids.length === 0) return 0
  await session.run('START TRANSACTION')
  try {
    for (const table of await tables.all(session))
      await session.run(`DELETE FROM ${logTable(database, table.rel)} WHERE tx IN (${numbers(ids)})`)
    await session.run(`DELETE FROM ${d}.entry WHERE id IN (${numbers(ids)})`)
    await session.run('COMMIT')
  } catch (error) {
    await session.run('ROLLBACK').catch(() => undefined)
    throw error
  }
  return ids.length
}

async function pruneFences(session: Session, d: string, old: string): Promise<void> {
  const gone = await session.rows<{ correlation_id: string }>(
    `SELECT DISTINCT correlation_id FROM ${d}.fence f WHERE ${old} AND NOT EXISTS
       (SELECT 1 FROM ${d}.fence g WHERE g.correlation_id = f.correlation_id AND NOT (g.${old})) LIMIT 1000`,
  )
  for (const { correlation_id: id } of gone) await pruneFence(session, d, id, old)
}

/** Under the slot's lock, since the correlation ID may be fenced anew at this moment; a slot that is in use waits for another day. */
async function pruneFence(session: Session, d: string, id: string, old: string): Promise<void> {
  await session.run('START TRANSACTION')
  try {
    const slot = await session.rows(
      `SELECT slot FROM ${d}.gate WHERE slot = ${slotOf('?')} FOR UPDATE SKIP LOCKED`,
      [id],
    )
    const younger = await session.rows(
      `SELECT 1 FROM ${d}.fence WHERE correlation_id = ? AND NOT (${old}) LIMIT 1`,
      [id],
    )
    if (slot.length > 0 && younger.length === 0) {
      await session.run(
        `SET STATEMENT foreign_key_checks = 0 FOR UPDATE ${d}.gate
         SET marks = REPLACE(marks, ${markOf('?')}, ''), marked = marks <> '' WHERE slot = ${slotOf('?')}`,
        [id, id],
      )
      await session.run(`DELETE FROM ${d}.fence WHERE correlation_id = ?`, [id])
    }
    await session.run('COMMIT')
  } catch (error) {
    await session.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}
