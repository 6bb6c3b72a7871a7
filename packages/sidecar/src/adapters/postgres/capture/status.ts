import type { ClientBase } from 'pg'
import { layoutSignature, specHash } from '../layout.js'
import type { PostgresOptions } from '../options.js'
import { ident } from '../sql/quote.js'
import { readLayouts } from './catalog.js'
import { knownTables } from './install.js'

export interface TableStatus {
  readonly table: string
  /** drifted: installed, but not as contract and table ask now. */
  readonly state: 'installed' | 'missing' | 'drifted' | 'unasked'
  /** What differs and what to do. Null: nothing. */
  readonly problem: string | null
}

export interface CaptureStatus {
  readonly schema: string
  readonly installed: boolean
  readonly tables: readonly TableStatus[]
  /** Transactions in the undo log, and those of them that are not published yet. */
  readonly transactions: number
  readonly unpublished: number
  /** Undo log on disk with its indexes, bytes. */
  readonly bytes: number
}

/**
 * Compares what is installed with what the contract asks. Changes nothing.
 * @throws ContractError when the contract asks for what the database has not.
 */
export async function captureStatus(
  client: ClientBase,
  options: PostgresOptions,
  system: string,
): Promise<CaptureStatus> {
  const { schema } = options
  await client.query('BEGIN READ ONLY')
  try {
    // Types are written as install wrote them only under the same path.
    await client.query('SET LOCAL search_path = pg_catalog')
    const layouts = await readLayouts(client, options, `system ${system}`)
    const exists = await client.query(
      'SELECT FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE nspname = $1 AND relname = $2',
      [schema, 'captured'],
    )
    if (exists.rows.length === 0)
      return {
        schema,
        installed: false,
        tables: layouts.map(layout => missing(layout.label)),
        transactions: 0,
        unpublished: 0,
        bytes: 0,
      }
    const known = await knownTables(client, schema)
    const tables = layouts.map((layout): TableStatus => {
      const found = known.find(table => table.oid === layout.oid)
      if (!found) return missing(layout.label)
      const problem = !found.triggered
        ? 'its trigger is gone or disabled'
        : found.layout !== layoutSignature(layout)
          ? `its columns or key have changed (${layoutChange(found.layout, layoutSignature(layout))})`
          : found.spec !== specHash(layout, options.fence)
            ? 'the contract or a foreign key has changed since'
            : null
      return {
        table: layout.label,
        state: problem === null ? 'installed' : 'drifted',
        problem: problem === null ? null : `${problem}; run "unwind capture install"`,
      }
    })
    const unasked = known
      .filter(table => !layouts.some(layout => layout.oid === table.oid))
      .map(
        (table): TableStatus => ({
          table: table.label,
          state: 'unasked',
          problem: 'is captured, but the contract does not name it; run "unwind capture install"',
        }),
      )
    return { schema, installed: true, tables: [...tables, ...unasked], ...(await volume(client, schema)) }
  } finally {
    await client.query('ROLLBACK').catch(() => undefined)
  }
}

const missing = (table: string): TableStatus => ({
  table,
  state: 'missing',
  problem: 'is not captured; run "unwind capture install"',
})

function layoutChange(old: string, now: string): string {
  const read = (text: string) => JSON.parse(text) as { columns: [number, string, string][]; key: string[] }
  const [a, b] = [read(old), read(now)]
  const column = (c: [number, string, string]) => `${c[1]} ${c[2]}`
  const gone = a.columns.filter(c => !b.columns.some(d => column(c) === column(d))).map(c => `- ${column(c)}`)
  const added = b.columns
    .filter(c => !a.columns.some(d => column(c) === column(d)))
    .map(c => `+ ${column(c)}`)
  const changes = [...gone, ...added]
  return changes.length > 0 ? changes.join(', ') : `key (${a.key.join(', ')}) → (${b.key.join(', ')})`
}

async function volume(client: ClientBase, schema: string) {
  const s = ident(schema)
  const { rows } = await client.query<{ transactions: string; unpublished: string; bytes: string }>(
    `SELECT (SELECT count(*) FROM ${s}.tx) AS transactions,
       (SELECT count(*) FROM ${s}.tx t, ${s}.relay r WHERE (t.xid, t.id) > (r.xid, r.id)) AS unpublished,
       (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind = 'r') AS bytes`,
    [schema],
  )
  const row = rows[0]!
  return {
    transactions: Number(row.transactions),
    unpublished: Number(row.unpublished),
    bytes: Number(row.bytes),
  }
}
