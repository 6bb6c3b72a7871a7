import type { Entry, TableCounts } from '../actions.js'
import type { Session } from '../database.js'
import { countsQuery, digestQuery } from '../sql/describe.js'
import { ident, numbers } from '../sql/quote.js'
import type { CapturedTables } from './captured.js'
import { digestOfParts } from './undo.js'

export interface Described extends Entry {
  readonly correlationId: string
  /** Number of its last change. */
  readonly last: bigint
}

interface CountsRow {
  tx: string
  inserted: string
  updated: string
  deleted: string
  unseen: string
  first: string
  last: string
  item: string | null
}

interface Tally {
  readonly tables: Record<string, TableCounts>
  items: number
  first: bigint | null
  last: bigint
  item: string | null
}

/** What entries did, in the order of their numbers: keys and counts, no image. */
export async function describeEntries(
  session: Session,
  database: string,
  tables: CapturedTables,
  ids: readonly string[],
): Promise<readonly Described[]> {
  if (ids.length === 0) return []
  const heads = await session.rows<{ id: string; correlation_id: string; at: string; late: string }>(
    `SELECT id, correlation_id, ROUND(UNIX_TIMESTAMP(at) * 1000) AS at, late FROM ${ident(database)}.entry
     WHERE id IN (${numbers(ids)}) ORDER BY id`,
  )
  const tallies = new Map<string, Tally>()
  for (const table of await tables.touched(session, ids)) {
    for (const row of await session.rows<CountsRow>(countsQuery(database, table, ids))) {
      const known = tallies.get(row.tx) ?? { tables: {}, items: 0, first: null, last: 0n, item: null }
      tallies.set(row.tx, add(known, table.label, row))
    }
  }
  return heads.map(head => {
    const tally = tallies.get(head.id)
    return {
      id: head.id,
      correlationId: head.correlation_id,
      at: Number(head.at),
      late: head.late === '1',
      tables: tally?.tables ?? {},
      items: tally?.items ?? 0,
      item: tally?.item ?? null,
      last: tally?.last ?? 0n,
    }
  })
}

function add(tally: Tally, label: string, row: CountsRow): Tally {
  const { inserted, updated, deleted, unseen } = row
  const before = tally.tables[label]
  const counts = Object.entries({ inserted, updated, deleted, unseen })
    .map(([name, n]) => [name, Number(n) + (before?.[name as keyof TableCounts] ?? 0)] as const)
    .filter(([, n]) => n > 0)
  const [first, last] = [BigInt(row.first), BigInt(row.last)]
  const earlier = tally.first === null || first < tally.first
  return {
    tables: { ...tally.tables, [label]: Object.fromEntries(counts) },
    items: tally.items + Number(inserted) + Number(updated) + Number(deleted),
    first: earlier ? first : tally.first,
    last: last > tally.last ? last : tally.last,
    item: earlier ? row.item : tally.item,
  }
}

/** Digest of the state that each entry left. */
export async function digestsOf(
  session: Session,
  database: string,
  tables: CapturedTables,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const parts = new Map<string, string[]>()
  for (const table of await tables.touched(session, ids)) {
    const buckets = new Map<string, string[]>()
    for (const row of await session.rows<{ tx: string; digest: string }>(
      digestQuery(database, table, ids, 'left'),
    ))
      buckets.set(row.tx, [...(buckets.get(row.tx) ?? []), row.digest])
    for (const [id, digests] of buckets) parts.set(id, [...(parts.get(id) ?? []), digestOfParts(digests)])
  }
  return new Map([...parts].map(([id, digests]) => [id, digestOfParts(digests)]))
}
