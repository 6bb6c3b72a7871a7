import type { ClientBase } from 'pg'
import { ContractError } from '../../../adapter/port.js'
import type { Cascade, Column, CorrelationSource, TableLayout } from '../layout.js'
import { type PostgresOptions, splitTable, type TableOptions } from '../options.js'
import { qualified } from '../sql/quote.js'

/** Types whose equal values have equal bytes, so that `=` may stand for "the same image". */
const PLAIN = new Set([
  'smallint',
  'integer',
  'bigint',
  'boolean',
  'uuid',
  'date',
  'timestamp without time zone',
  'timestamp with time zone',
  'time without time zone',
  'oid',
  'bytea',
  '"char"',
  'name',
  'inet',
  'macaddr',
])
/** A difference can be taken and given back exactly; in floating point it cannot. */
const DELTA = new Set(['smallint', 'integer', 'bigint', 'numeric'])

interface TableRow {
  oid: number
  kind: string
  partition: boolean
  persistence: string
}
interface ColumnRow {
  number: number
  name: string
  type: string
  enumerated: boolean
  bytewise: boolean
  domain: boolean
  generated: boolean
  always: boolean
}

/**
 * Reads from the catalog everything that the functions of the contract's tables are generated from.
 * @throws ContractError naming table, column and what to do. All of them, not only the first.
 */
export async function readLayouts(
  client: ClientBase,
  options: PostgresOptions,
  where: string,
): Promise<readonly TableLayout[]> {
  const problems: string[] = []
  const layouts: TableLayout[] = []
  for (const [key, table] of Object.entries(options.capture.tables)) {
    const { schema, name } = splitTable(key)
    try {
      layouts.push(
        await readLayout(client, schema, name, table, table.correlation ?? options.capture.correlation),
      )
    } catch (error) {
      if (!(error instanceof ContractError)) throw error
      problems.push(`adapter.capture.tables.${key}: ${error.message}`)
    }
  }
  if (problems.length > 0) throw new ContractError(`${where}: ${problems.join('; ')}`)
  return withDepths(layouts, await readReferences(client, layouts))
}

async function readLayout(
  client: ClientBase,
  schema: string,
  name: string,
  options: TableOptions,
  correlation: PostgresOptions['capture']['correlation'],
): Promise<TableLayout> {
  const found = await client.query<TableRow>(
    `SELECT c.oid::bigint::int8 AS oid, c.relkind AS kind, c.relispartition AS partition, c.relpersistence AS persistence
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, name],
  )
  const row = found.rows[0]
  if (!row)
    throw new ContractError('no such table; the name is "schema.table", in the letters of the catalog')
  if (row.kind !== 'r' && row.kind !== 'p')
    throw new ContractError('is not a table (views and foreign tables have no rows of their own)')
  if (row.partition)
    throw new ContractError('is a partition; capture the partitioned table that it belongs to')
  if (row.persistence === 't') throw new ContractError('is a temporary table')
  const oid = Number(row.oid)
  const columns = await readColumns(client, oid, options)
  const key = await readKey(client, oid, options, columns)
  const cascades = await readCascades(client, oid)
  const source = correlationSource(correlation, columns)
  return {
    oid,
    schema,
    name,
    label: `${schema}.${name}`,
    columns,
    key,
    correlation: source,
    cascades,
    depth: 0,
    onConflict: options.onConflict ?? null,
  }
}

async function readColumns(
  client: ClientBase,
  oid: number,
  options: TableOptions,
): Promise<readonly Column[]> {
  const { rows } = await client.query<ColumnRow>(
    `WITH RECURSIVE base AS (
       SELECT a.attnum, a.atttypid AS type, a.attcollation FROM pg_attribute a WHERE a.attrelid = $1
       UNION ALL SELECT b.attnum, t.typbasetype, b.attcollation FROM base b JOIN pg_type t ON t.oid = b.type AND t.typtype = 'd')
     SELECT a.attnum AS number, a.attname AS name, format_type(t.oid, -1) AS type, t.typtype = 'e' AS enumerated,
       t.oid IN ('text'::regtype, 'varchar'::regtype) AND coalesce(l.collisdeterministic, true) AS bytewise,
       a.atttypid <> t.oid AS domain, a.attgenerated <> '' AS generated, a.attidentity = 'a' AS always
     FROM pg_attribute a
     JOIN base b ON b.attnum = a.attnum JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
     LEFT JOIN pg_collation l ON l.oid = a.attcollation
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [oid],
  )
  const columns = rows.filter(row => !row.generated)
  for (const name of [...options.delta, ...options.ignore])
    if (!columns.some(row => row.name === name))
      throw new ContractError(`has no column "${name}" that could be written`)
  return columns.map(row => {
    const delta = options.delta.includes(row.name)
    if (delta && !DELTA.has(row.type))
      throw new ContractError(
        `delta: column "${row.name}" is ${row.type}; a difference can be undone exactly in ${[...DELTA].join(', ')}`,
      )
    return {
      number: row.number,
      name: row.name,
      type: row.type,
      plain: PLAIN.has(row.type) || row.enumerated || row.bytewise,
      domain: row.domain,
      identityAlways: row.always,
      delta,
      ignore: options.ignore.includes(row.name),
    }
  })
}

async function readKey(
  client: ClientBase,
  oid: number,
  options: TableOptions,
  columns: readonly Column[],
): Promise<readonly string[]> {
  if (options.key === 'row') return []
  const { rows } = await client.query<{ primary: boolean; key: string[] }>(
    `SELECT i.indisprimary AS primary, array_agg(a.attname::text ORDER BY k.position) AS key
     FROM pg_index i CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY k (attnum, position)
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
       AND k.position <= i.indnkeyatts
     GROUP BY i.indexrelid, i.indisprimary`,
    [oid],
  )
  const primary = rows.find(row => row.primary)?.key
  if (options.key === undefined) {
    if (primary) return primary
    throw new ContractError(
      'has no primary key; name the columns of a unique index (key: [...]), add a primary key, or say "key: row" when only inserts are to be undone',
    )
  }
  for (const name of options.key)
    if (!columns.some(column => column.name === name))
      throw new ContractError(`key: has no column "${name}" that could be written`)
  const wanted = [...options.key].sort().join('\0')
  const match = rows.find(row => [...row.key].sort().join('\0') === wanted)
  if (!match)
    throw new ContractError(
      `key: no unique index on exactly (${options.key.join(', ')}); create one, or name one that exists`,
    )
  return match.key
}

/** Foreign keys that would delete or change rows of others together with ours. */
async function readCascades(client: ClientBase, oid: number): Promise<readonly Cascade[]> {
  const { rows } = await client.query<{
    schema: string
    name: string
    self: boolean
    theirs: string[]
    ours: number[]
  }>(
    `SELECT n.nspname AS schema, c.relname AS name, k.conrelid = k.confrelid AS self, k.confkey::int[] AS ours,
       (SELECT array_agg(a.attname::text ORDER BY u.i) FROM unnest(k.conkey) WITH ORDINALITY u (attnum, i)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS theirs
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE k.contype = 'f' AND k.confrelid = $1 AND k.confdeltype IN ('c', 'n', 'd') AND k.conparentid = 0
     ORDER BY 1, 2, k.conname`,
    [oid],
  )
  return rows.map(row => ({
    table: qualified(row.schema, row.name),
    label: `${row.schema}.${row.name}`,
    self: row.self,
    columns: row.theirs.map((theirs, i) => ({ theirs, ours: row.ours[i]! })),
  }))
}

async function readReferences(
  client: ClientBase,
  layouts: readonly TableLayout[],
): Promise<ReadonlyMap<number, readonly number[]>> {
  const { rows } = await client.query<{ child: string; parents: string[] }>(
    `SELECT conrelid::bigint AS child, array_agg(DISTINCT confrelid::bigint) AS parents FROM pg_constraint
     WHERE contype = 'f' AND conrelid <> confrelid AND conrelid = ANY ($1::oid[]) GROUP BY conrelid`,
    [layouts.map(layout => layout.oid)],
  )
  return new Map(rows.map(row => [Number(row.child), row.parents.map(Number)]))
}

/** Longest way to a table that refers to no other captured one; a circle is cut where it is met. */
function withDepths(
  layouts: readonly TableLayout[],
  parents: ReadonlyMap<number, readonly number[]>,
): readonly TableLayout[] {
  const depths = new Map<number, number>()
  const depthOf = (oid: number, path: ReadonlySet<number>): number => {
    const known = depths.get(oid)
    if (known !== undefined) return known
    const next = new Set(path).add(oid)
    const above = (parents.get(oid) ?? [])
      .filter(parent => !next.has(parent))
      .map(parent => depthOf(parent, next) + 1)
    const depth = Math.max(0, ...above)
    depths.set(oid, depth)
    return depth
  }
  return layouts.map(layout => ({ ...layout, depth: depthOf(layout.oid, new Set()) }))
}

function correlationSource(
  source: PostgresOptions['capture']['correlation'],
  columns: readonly Column[],
): CorrelationSource {
  if ('setting' in source) return { kind: 'setting', setting: source.setting }
  if (!columns.some(column => column.name === source.column))
    throw new ContractError(`correlation.column: has no column "${source.column}" that is stored`)
  return { kind: 'column', column: source.column, prefix: source.prefix }
}
