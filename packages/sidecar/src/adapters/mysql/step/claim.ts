import type { Session } from '../database.js'
import { lastQuery } from '../sql/describe.js'
import { closeStatements } from '../sql/entry.js'
import { ident, numbers } from '../sql/quote.js'
import type { CapturedTables } from './captured.js'

const FEWEST = 2_000
const MOST = 64_000
/** Entries that one statement gives their places. */
const CHUNK = 500

/**
 * Gives finished entries their places in the order in which they are published. Nothing is skipped although transactions commit in
 * another order than that in which they got their numbers: whatever has no place yet is looked at again, however old its number is.
 *
 * Order: a transaction that writes a row after another one has a later number there, because it needed the lock that the other
 * held until its commit. So by the number of its last change an entry comes after all on which it depends.
 * First the candidates are locked, then one snapshot is taken. What it shows besides (an entry that was finished between the two, or
 * that its session is just continuing) has a number below all changes that could depend on it; candidates whose last change
 * lies above the smallest such number wait for the next time.
 * @returns how many entries got a place.
 */
export async function claimEntries(
  session: Session,
  database: string,
  tables: CapturedTables,
): Promise<number> {
  const d = ident(database)
  const any = await session.rows(
    `(SELECT 1 FROM ${d}.open LIMIT 1) UNION ALL (SELECT 1 FROM ${d}.entry WHERE place IS NULL LIMIT 1)`,
  )
  if (any.length === 0) return 0
  // Many long transactions that overlap may leave none of the first few clear; so look at more, up to a bound.
  for (let limit = FEWEST; ; limit *= 4) {
    const { claimed, full } = await claim(session, database, tables, limit)
    if (claimed > 0 || !full || limit >= MOST) return claimed
  }
}

async function claim(session: Session, database: string, tables: CapturedTables, limit: number) {
  const d = ident(database)
  await session.run('START TRANSACTION')
  try {
    const sources = [
      `SELECT id FROM ${d}.open ORDER BY id`,
      `SELECT id FROM ${d}.entry WHERE place IS NULL ORDER BY id`,
    ]
    const ours = new Set<string>()
    let full = false
    for (const source of sources) {
      const locked = await session.rows<{ id: string }>(`${source} LIMIT ${limit} FOR UPDATE SKIP LOCKED`)
      full ||= locked.length === limit
      for (const { id } of locked) ours.add(id)
    }
    let horizon: bigint | null = null
    for (const source of sources) {
      const seen = await session.rows<{ id: string }>(`${source} LIMIT ${limit + 1}`)
      const other = seen.find(row => !ours.has(row.id))
      if (other && (horizon === null || BigInt(other.id) < horizon)) horizon = BigInt(other.id)
    }
    const lasts = await lastChanges(session, database, tables, [...ours])
    const ready = [...ours]
      .map(id => ({ id, last: lasts.get(id) ?? BigInt(id) }))
      .filter(entry => horizon === null || entry.last < horizon)
      .sort((a, b) => (a.last < b.last ? -1 : 1))
      .map(entry => entry.id)
    await place(session, database, ready)
    await session.run('COMMIT')
    return { claimed: ready.length, full }
  } catch (error) {
    await session.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function lastChanges(
  session: Session,
  database: string,
  tables: CapturedTables,
  ids: readonly string[],
): Promise<ReadonlyMap<string, bigint>> {
  const lasts = new Map<string, bigint>()
  for (const table of await tables.touched(session, ids))
    for (const row of await session.rows<{ tx: string; last: string }>(lastQuery(database, table, ids))) {
      const last = BigInt(row.last)
      if (last > (lasts.get(row.tx) ?? 0n)) lasts.set(row.tx, last)
    }
  return lasts
}

async function place(session: Session, database: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const d = ident(database)
  const [row] = await session.rows<{ top: string | null }>(`SELECT MAX(place) AS top FROM ${d}.entry`)
  // The cursor outlives pruned entries.
  const [relay] = await session.rows<{ place: string }>(`SELECT place FROM ${d}.relay`)
  let top = BigInt(row?.top ?? '0')
  if (BigInt(relay!.place) > top) top = BigInt(relay!.place)
  for (let i = 0; i < ids.length; i += CHUNK) {
    const chunk = ids.slice(i, i + CHUNK)
    const list = numbers(chunk)
    for (const statement of closeStatements(database, chunk)) await session.run(statement)
    await session.run(`UPDATE ${d}.entry SET place = ${top} + FIELD(id, ${list}) WHERE id IN (${list})`)
    top += BigInt(chunk.length)
  }
}
