import type { ClientBase } from 'pg'
import { ContractError } from '../../../adapter/port.js'
import { type CapturedTable, layoutSignature, specHash, type TableLayout } from '../layout.js'
import type { PostgresOptions } from '../options.js'
import { baseStatements, enterFunction, type FenceMode, liveColumns, txFunction } from '../sql/base.js'
import {
  captureFunction,
  dropTriggerStatements,
  logStatements,
  TRIGGER,
  triggerStatements,
} from '../sql/capture.js'
import { describeFunction, entriesFunction, foundFunction, unionFunctions } from '../sql/describe.js'
import { fenceFunction } from '../sql/fence.js'
import { laterFunction } from '../sql/later.js'
import { netFunction } from '../sql/net.js'
import { ident } from '../sql/quote.js'
import { relayFunctions } from '../sql/relay.js'
import { reviewFunction, tallyFunction } from '../sql/review.js'
import { stepFunctions } from '../sql/step.js'
import { movedFunction, undoFunction } from '../sql/undo.js'
import { readLayouts } from './catalog.js'

export interface InstallReport {
  /** Tables whose capture was created or renewed. */
  readonly installed: readonly string[]
  /** Tables that were as the contract asks. */
  readonly unchanged: readonly string[]
  /** Tables that the contract names no longer: their trigger is gone, their log stays until the retention. */
  readonly retired: readonly string[]
}

interface Known {
  rel: number
  oid: number
  label: string
  layout: string
  spec: string
  triggered: boolean
}

/**
 * Puts capture in place, in one transaction: all of it or nothing. Repeating it changes nothing and locks no table that is as
 * it should be. The application's tables get a trigger each and are otherwise left alone.
 * @throws ContractError for what the contract asks and the database has not; database errors as they are.
 */
export async function installCapture(
  client: ClientBase,
  options: PostgresOptions,
  system: string,
): Promise<InstallReport> {
  const where = `system ${system}`
  await client.query('BEGIN')
  try {
    await client.query(`SET LOCAL search_path = pg_catalog`)
    await client.query(`SELECT set_config('lock_timeout', $1, true)`, [`${options.lockTimeout}ms`])
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `unwind install ${options.schema}`,
    ])
    const layouts = await readLayouts(client, options, where)
    for (const statement of baseStatements(options.schema)) await client.query(statement)
    await claimSchema(client, options, system, layouts)
    const report = await installTables(client, options, layouts)
    const s = ident(options.schema)
    const rels = await client.query<{ rel: number }>(`SELECT rel FROM ${s}.captured ORDER BY rel`)
    const functions = [
      ...unionFunctions(
        options.schema,
        rels.rows.map(row => row.rel),
      ),
      ...stepFunctions(options.schema),
      fenceFunction(options.schema),
      ...relayFunctions(options.schema),
    ]
    for (const statement of functions) await client.query(statement)
    await client.query('COMMIT')
    return report
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** Two systems in one schema would publish each other's actions. */
async function claimSchema(
  client: ClientBase,
  options: PostgresOptions,
  system: string,
  layouts: readonly TableLayout[],
): Promise<void> {
  const s = ident(options.schema)
  const { rows } = await client.query<{ system: string }>(`SELECT system FROM ${s}.meta WHERE system <> $1`, [
    system,
  ])
  const other = rows[0]
  if (other)
    throw new ContractError(
      `system ${system}: adapter.schema: schema "${options.schema}" belongs to system ${other.system}; give this system another schema`,
    )
  const settings = layouts.flatMap(layout =>
    layout.correlation.kind === 'setting' ? [layout.correlation.setting] : [],
  )
  await client.query(
    `INSERT INTO ${s}.meta (system, settings, fence) VALUES ($1, $2, $3)
     ON CONFLICT (system) DO UPDATE SET settings = excluded.settings, fence = excluded.fence`,
    [system, [...new Set(settings)], options.fence],
  )
  await client.query(enterFunction(options.schema, options.fence))
  await client.query(txFunction(options.schema))
}

async function installTables(
  client: ClientBase,
  options: PostgresOptions,
  layouts: readonly TableLayout[],
): Promise<InstallReport> {
  const { schema, fence } = options
  const known = await knownTables(client, schema)
  const report = { installed: [] as string[], unchanged: [] as string[], retired: [] as string[] }
  for (const layout of layouts) {
    const signature = layoutSignature(layout)
    const spec = specHash(layout, fence)
    const old = known.find(table => table.oid === layout.oid)
    if (old && old.layout === signature && old.spec === spec && old.triggered) {
      await client.query(`UPDATE ${ident(schema)}.captured SET depth = $2 WHERE rel = $1 AND depth <> $2`, [
        old.rel,
        layout.depth,
      ])
      report.unchanged.push(layout.label)
      continue
    }
    const rel = await registerTable(client, schema, layout, signature, spec, old)
    await installTable(client, schema, { ...layout, rel }, fence)
    report.installed.push(layout.label)
  }
  for (const gone of known.filter(table => !layouts.some(layout => layout.oid === table.oid))) {
    await retire(client, schema, gone)
    report.retired.push(gone.label)
  }
  return report
}

async function registerTable(
  client: ClientBase,
  schema: string,
  layout: TableLayout,
  signature: string,
  spec: string,
  old: Known | undefined,
): Promise<number> {
  const s = ident(schema)
  const values = [layout.label, spec, layout.depth, layout.onConflict]
  if (old && old.layout === signature) {
    await client.query(
      `UPDATE ${s}.captured SET label = $1, spec = $2, depth = $3, on_conflict = $4,
         columns = ${liveColumns('table_oid')} WHERE rel = $5`,
      [...values, old.rel],
    )
    return old.rel
  }
  // Other columns: a new log begins; the old one and its functions stay for the actions that it holds.
  if (old) await client.query(`UPDATE ${s}.captured SET active = false WHERE rel = $1`, [old.rel])
  const { rows } = await client.query<{ rel: number }>(
    `INSERT INTO ${s}.captured (label, spec, depth, on_conflict, table_oid, active, layout, columns)
     VALUES ($1, $2, $3, $4, $5, true, $6, ${liveColumns('$5::oid')}) RETURNING rel`,
    [...values, layout.oid, signature],
  )
  return rows[0]!.rel
}

async function installTable(
  client: ClientBase,
  schema: string,
  table: CapturedTable,
  fence: FenceMode,
): Promise<void> {
  const statements = [
    ...logStatements(schema, table),
    captureFunction(schema, table, fence),
    netFunction(schema, table),
    laterFunction(schema, table),
    reviewFunction(schema, table),
    tallyFunction(schema, table),
    undoFunction(schema, table),
    movedFunction(schema, table),
    describeFunction(schema, table),
    foundFunction(schema, table),
    entriesFunction(schema, table),
    ...triggerStatements(schema, table),
  ]
  for (const statement of statements) await client.query(statement)
}

async function retire(client: ClientBase, schema: string, table: Known): Promise<void> {
  await client.query(`UPDATE ${ident(schema)}.captured SET active = false WHERE rel = $1`, [table.rel])
  const { rows } = await client.query<{ schema: string; name: string }>(
    'SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1',
    [table.oid],
  )
  const row = rows[0]
  if (row) for (const statement of dropTriggerStatements(row.schema, row.name)) await client.query(statement)
}

/** Active captures, and whether their trigger is there, enabled, and calls the right function. */
export async function knownTables(client: ClientBase, schema: string): Promise<readonly Known[]> {
  const { rows } = await client.query<Omit<Known, 'oid'> & { oid: string }>(
    `SELECT k.rel, k.table_oid::bigint AS oid, k.label, k.layout, k.spec, EXISTS (
       SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE t.tgrelid = k.table_oid AND t.tgname = $1 AND t.tgenabled IN ('O', 'A')
         AND n.nspname = $2 AND p.proname = 'capture_' || k.rel) AS triggered
     FROM ${ident(schema)}.captured k WHERE k.active ORDER BY k.rel`,
    [TRIGGER, schema],
  )
  return rows.map(row => ({ ...row, oid: Number(row.oid) }))
}
