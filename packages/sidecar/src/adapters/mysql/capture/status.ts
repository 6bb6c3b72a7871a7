import type { Session } from '../database.js'
import { layoutSignature } from '../layout.js'
import type { MysqlOptions } from '../options.js'
import { ident } from '../sql/quote.js'
import { readLayouts } from './catalog.js'
import { specOf } from './install.js'
import { isInstalled, type Known, knownTables } from './known.js'

export interface TableStatus {
  readonly table: string
  /** drifted: installed, but not as contract and table ask now. */
  readonly state: 'installed' | 'missing' | 'drifted' | 'unasked'
  /** What differs and what to do. Null: nothing. */
  readonly problem: string | null
}

export interface CaptureStatus {
  /** Database in which capture lives. */
  readonly schema: string
  readonly installed: boolean
  readonly tables: readonly TableStatus[]
  /** Entries in the undo log, and those of them that are not published yet. */
  readonly transactions: number
  readonly unpublished: number
  /** Undo log on disk with its indexes, bytes, as the server estimates it. */
  readonly bytes: number
}

/**
 * Compares what is installed with what the contract asks. Changes nothing.
 * @throws ContractError when the contract asks for what the database has not.
 */
export async function captureStatus(
  session: Session,
  options: MysqlOptions,
  system: string,
): Promise<CaptureStatus> {
  const { database } = options
  const layouts = await readLayouts(session, options, `system ${system}`)
  if (!(await isInstalled(session, database)))
    return {
      schema: database,
      installed: false,
      tables: layouts.map(layout => missing(layout.label)),
      transactions: 0,
      unpublished: 0,
      bytes: 0,
    }
  const known = await knownTables(session, database)
  const now = new Map(
    layouts.map(layout => {
      const rel = known.find(each => each.table.label === layout.label)?.table.rel ?? 0
      return [layout.label, { ...layout, rel }]
    }),
  )
  const tables = [...now.values()].map((table): TableStatus => {
    const found = known.find(each => each.table.label === table.label)
    if (!found) return missing(table.label)
    const problem = problemOf(found, layoutSignature(table), specOf(table, now, options.fence))
    return {
      table: table.label,
      state: problem === null ? 'installed' : 'drifted',
      problem: problem === null ? null : `${problem}; run "unwind capture install"`,
    }
  })
  const unasked = known
    .filter(each => !now.has(each.table.label))
    .map(
      ({ table }): TableStatus => ({
        table: table.label,
        state: 'unasked',
        problem: 'is captured, but the contract does not name it; run "unwind capture install"',
      }),
    )
  return {
    schema: database,
    installed: true,
    tables: [...tables, ...unasked],
    ...(await volume(session, database)),
  }
}

const missing = (table: string): TableStatus => ({
  table,
  state: 'missing',
  problem: 'is not captured; run "unwind capture install"',
})

function problemOf(found: Known, signature: string, spec: string): string | null {
  if (!found.triggered) return 'one of its triggers is gone or not ours'
  if (found.signature !== signature)
    return `its columns or key have changed (${layoutChange(found.signature, signature)})`
  return found.spec !== spec ? 'the contract or a foreign key has changed since' : null
}

function layoutChange(old: string, now: string): string {
  const read = (text: string) => JSON.parse(text) as { columns: [string, string][]; key: string[] }
  const [a, b] = [read(old), read(now)]
  const texts = (layout: typeof a) => layout.columns.map(([name, type]) => `${name} ${type}`)
  const gone = texts(a).filter(text => !texts(b).includes(text))
  const added = texts(b).filter(text => !texts(a).includes(text))
  const changes = [...gone.map(text => `- ${text}`), ...added.map(text => `+ ${text}`)]
  if (changes.length > 0) return changes.join(', ')
  return a.key.join() === b.key.join() ? 'their order' : `key (${a.key.join(', ')}) → (${b.key.join(', ')})`
}

async function volume(session: Session, database: string) {
  const d = ident(database)
  const [row] = await session.rows<{ transactions: string; unpublished: string; bytes: string }>(
    `SELECT (SELECT COUNT(*) FROM ${d}.entry) + (SELECT COUNT(*) FROM ${d}.open) AS transactions,
       (SELECT COUNT(*) FROM ${d}.entry e, ${d}.relay r WHERE e.place IS NULL OR e.place > r.place)
         + (SELECT COUNT(*) FROM ${d}.open) AS unpublished,
       (SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?) AS bytes`,
    [database],
  )
  return {
    transactions: Number(row!.transactions),
    unpublished: Number(row!.unpublished),
    bytes: Number(row!.bytes),
  }
}
