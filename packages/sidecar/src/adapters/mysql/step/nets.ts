import type { Session } from '../database.js'
import type { CapturedTable } from '../layout.js'
import {
  chainByKey,
  chainRows,
  chainStatements,
  foldStatements,
  layerStatement,
  placesQuery,
  summaryQuery,
} from '../sql/fold.js'
import { chainTable, foldTable } from '../sql/names.js'
import { foldedSource, loggedSource, type Net, stagedSource, stageStatements } from '../sql/net.js'
import { type Change, chainsOf } from './chains.js'

interface Summary {
  total: string
  inserted: string
  updated: string
  deleted: string
  unseen: string
  places: string
  moved: string
  first: string | null
}

/** Rows of the chain that one statement brings in. */
const CHUNK = 1_000

/**
 * What a step's entries did to one table in the end. Where no row was changed twice the log says that itself; else the changes are
 * folded in temporary tables of the session, so images stay in the database.
 */
export async function netOf(
  session: Session,
  database: string,
  table: CapturedTable,
  entries: readonly string[],
  purpose: 'undo' | 'look',
): Promise<Net> {
  const [row] = await session.rows<Summary>(summaryQuery(database, table, entries))
  const { total, unseen, places, moved } = row!
  const changes = Number(total) - Number(unseen)
  const base = {
    table,
    moved: Number(moved) > 0,
    unseen: Number(unseen),
    first: BigInt(row!.first ?? '0'),
    later: false,
  }
  if (Number(moved) === 0 && Number(places) === changes) {
    const counts = { I: Number(row!.inserted), U: Number(row!.updated), D: Number(row!.deleted) }
    if (purpose === 'look') return { ...base, ...loggedSource(database, table, entries), counts }
    await stage(session, database, table, entries)
    return { ...base, ...stagedSource(database, table), counts }
  }
  await fold(session, database, table, entries, base.moved)
  const found = await session.rows<{ op: 'I' | 'U' | 'D'; n: string }>(
    `SELECT n.op, COUNT(*) AS n FROM ${foldTable(database, table.rel)} n GROUP BY n.op`,
  )
  const counts = { I: 0, U: 0, D: 0, ...Object.fromEntries(found.map(each => [each.op, Number(each.n)])) }
  return { ...base, ...foldedSource(database, table), counts }
}

export async function stage(
  session: Session,
  database: string,
  table: CapturedTable,
  entries: readonly string[],
): Promise<void> {
  for (const statement of stageStatements(database, table, entries)) await session.run(statement)
}

async function fold(
  session: Session,
  database: string,
  table: CapturedTable,
  entries: readonly string[],
  moved: boolean,
): Promise<void> {
  for (const statement of chainStatements(database, table)) await session.run(statement)
  if (moved) await chainByPlaces(session, database, table, entries)
  else await session.run(chainByKey(database, table, entries))
  const [deepest] = await session.rows<{ layers: string | null }>(
    `SELECT MAX(layer) AS layers FROM ${chainTable(database, table.rel)}`,
  )
  for (const statement of foldStatements(database, table)) await session.run(statement)
  for (let layer = 2; layer <= Number(deepest?.layers ?? 0); layer++)
    await session.run(layerStatement(database, table, layer))
  await session.run(`DELETE FROM ${foldTable(database, table.rel)} WHERE op = '-'`)
}

/** Rows whose keys changed are followed here: only numbers of changes and of keys leave the database. */
async function chainByPlaces(
  session: Session,
  database: string,
  table: CapturedTable,
  entries: readonly string[],
): Promise<void> {
  const ends = await session.rows<{
    tx: string
    seq: string
    op: Change['op']
    leaves: string
    place: string
  }>(placesQuery(database, table, entries))
  const changes: Change[] = []
  for (let i = 0; i < ends.length; i += 2) {
    const [found, left] = [ends[i]!, ends[i + 1]!]
    changes.push({ ...found, found: Number(found.place), left: Number(left.place) })
  }
  const links = chainsOf(changes)
  for (let i = 0; i < links.length; i += CHUNK)
    await session.run(chainRows(database, table, links.slice(i, i + CHUNK)))
}
