import { ContractError } from '../../../adapter/port.js'
import type { Session } from '../database.js'
import type { Column, CorrelationSource, TableLayout } from '../layout.js'
import { type MysqlOptions, splitTable, type TableOptions } from '../options.js'
import { type CatalogColumn, describeColumns } from './columns.js'
import { readCascades, readParents, withDepths } from './references.js'

/** The log has each column twice, and a table has at most 1,017. */
const MOST_COLUMNS = 500

/**
 * Reads from the catalog everything that triggers and statements of the contract's tables are generated from.
 * @throws ContractError naming table, column and what to do. All of them, not only the first.
 */
export async function readLayouts(
  session: Session,
  options: MysqlOptions,
  where: string,
): Promise<readonly TableLayout[]> {
  const problems: string[] = []
  const layouts: TableLayout[] = []
  for (const [key, table] of Object.entries(options.capture.tables)) {
    const { database, name } = splitTable(key, options.home)
    try {
      layouts.push(
        await readLayout(session, database, name, table, table.correlation ?? options.capture.correlation),
      )
    } catch (error) {
      if (!(error instanceof ContractError)) throw error
      problems.push(`adapter.capture.tables.${key}: ${error.message}`)
    }
  }
  const parents = await readParents(session, layouts)
  const captured = new Set(layouts.map(layout => layout.label))
  for (const { label } of layouts)
    for (const parent of parents.get(label) ?? [])
      if (parent.cascades && !captured.has(parent.label))
        problems.push(
          `adapter.capture.tables.${label}: foreign key ${parent.constraint} deletes or clears its rows together with those of ${parent.label}, which no trigger sees; capture ${parent.label} too`,
        )
  if (problems.length > 0) throw new ContractError(`${where}: ${problems.join('; ')}`)
  return withDepths(layouts, parents)
}

async function readLayout(
  session: Session,
  database: string,
  name: string,
  options: TableOptions,
  correlation: MysqlOptions['capture']['correlation'],
): Promise<TableLayout> {
  const [found] = await session.rows<{ kind: string; engine: string | null }>(
    `SELECT TABLE_TYPE AS kind, ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
    [database, name],
  )
  if (!found)
    throw new ContractError('no such table; the name is "database.table", in the letters of the catalog')
  if (!/^(BASE TABLE|SYSTEM VERSIONED)$/.test(found.kind))
    throw new ContractError('is not a table (views and sequences have no rows of their own)')
  if (found.engine !== 'InnoDB')
    throw new ContractError(
      `is stored in ${found.engine}, which has no transactions, so effect and record could not be written together; ALTER TABLE ${database}.${name} ENGINE=InnoDB`,
    )
  const catalog = await describeColumns(session, database, name)
  const columns = writtenColumns(catalog, options)
  return {
    database,
    name,
    label: `${database}.${name}`,
    columns,
    ...(await readKey(session, database, name, options, catalog)),
    correlation: correlationSource(correlation, columns),
    cascades: await readCascades(session, database, name),
    depth: 0,
    onConflict: options.onConflict ?? null,
  }
}

function writtenColumns(catalog: readonly CatalogColumn[], options: TableOptions): readonly Column[] {
  const written = catalog.filter(column => !column.generated)
  for (const name of [...options.delta, ...options.ignore])
    if (!written.some(column => column.name === name))
      throw new ContractError(`has no column "${name}" that could be written`)
  if (written.length > MOST_COLUMNS)
    throw new ContractError(`has ${written.length} columns; capture can log ${MOST_COLUMNS}`)
  return written.map(({ name, type, family, logType }, i) => {
    if (family === null)
      throw new ContractError(
        `column "${name}" is ${type}, whose values capture cannot hold; move it into a table of its own`,
      )
    const delta = options.delta.includes(name)
    if (delta && family !== 'integer' && family !== 'decimal')
      throw new ContractError(
        `delta: column "${name}" is ${type}; a difference can be undone exactly in integers and decimals`,
      )
    return { number: i + 1, name, type, family, logType, delta, ignore: options.ignore.includes(name) }
  })
}

async function readKey(
  session: Session,
  database: string,
  table: string,
  options: TableOptions,
  catalog: readonly CatalogColumn[],
): Promise<Pick<TableLayout, 'key' | 'keyIndex'>> {
  const rows = await session.rows<{ name: string; column: string | null; part: string | null }>(
    `SELECT INDEX_NAME AS name, COLUMN_NAME AS \`column\`, SUB_PART AS part FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    [database, table],
  )
  const indexes = new Map<string, { columns: string[]; whole: boolean }>()
  for (const { name, column, part } of rows) {
    const index = indexes.get(name) ?? { columns: [], whole: true }
    if (column !== null) index.columns.push(column)
    indexes.set(name, { ...index, whole: index.whole && column !== null && part === null })
  }
  const primary = indexes.get('PRIMARY')
  if (options.key === undefined) {
    if (!primary)
      throw new ContractError(
        'has no primary key, so its rows cannot be told apart; add one, or name the columns of a unique index without NULL (key: [...])',
      )
    if (!primary.whole)
      throw new ContractError('has a primary key of parts of columns; name whole columns (key: [...])')
    return { key: checkedKey(primary.columns, catalog), keyIndex: 'PRIMARY' }
  }
  const wanted = [...options.key].sort().join('\0')
  const match = [...indexes].find(
    ([, index]) => index.whole && [...index.columns].sort().join('\0') === wanted,
  )
  if (!match)
    throw new ContractError(
      `key: no unique index on exactly (${options.key.join(', ')}); create one, or name one that exists`,
    )
  return { key: checkedKey(match[1].columns, catalog), keyIndex: match[0] }
}

function checkedKey(key: readonly string[], catalog: readonly CatalogColumn[]): readonly string[] {
  for (const name of key) {
    const column = catalog.find(each => each.name === name)
    if (column?.nullable)
      throw new ContractError(`key: column "${name}" can be NULL, and rows with NULL cannot be told apart`)
    if (column?.generated)
      throw new ContractError(`key: column "${name}" is generated; name columns that are written`)
  }
  return key
}

function correlationSource(
  source: MysqlOptions['capture']['correlation'],
  columns: readonly Column[],
): CorrelationSource {
  if ('variable' in source) return { kind: 'variable', variable: source.variable.slice(1) }
  if (!columns.some(column => column.name === source.column))
    throw new ContractError(`correlation.column: has no column "${source.column}" that is stored`)
  return { kind: 'column', column: source.column, prefix: source.prefix }
}
