import { ContractError } from '../../../adapter/port.js'
import { type Session, SQL_MODE } from '../database.js'
import {
  type CapturedTable,
  GENERATOR_VERSION,
  layoutSignature,
  specHash,
  type TableLayout,
} from '../layout.js'
import type { MysqlOptions } from '../options.js'
import { baseStatements } from '../sql/base.js'
import { logStatement, triggerName, triggersOf } from '../sql/capture.js'
import { enterProcedure, type FenceMode, gateStatements } from '../sql/entry.js'
import { ident, literal, qualified } from '../sql/quote.js'
import { readLayouts } from './catalog.js'
import { isInstalled, type Known, knownTables, liveTriggers, ownerOf } from './known.js'
import { checkServer } from './server.js'

export interface InstallReport {
  /** Tables whose capture was created or renewed. */
  readonly installed: readonly string[]
  /** Tables that were as the contract asks. */
  readonly unchanged: readonly string[]
  /** Tables that the contract names no longer: their triggers are gone, their log stays until the retention. */
  readonly retired: readonly string[]
}

/**
 * Puts capture in place. The server commits each change of a structure by itself, so an install that is cut off leaves a part;
 * everything that it does may be repeated, a table counts as captured only with all its triggers, and repeating it on what is in place
 * changes nothing and locks no table.
 * @throws ContractError for what the contract asks and the database has not; database errors as they are.
 */
export async function installCapture(
  session: Session,
  options: MysqlOptions,
  system: string,
): Promise<InstallReport> {
  const where = `system ${system}`
  await checkServer(session, where)
  await beginStructure(session, options)
  const layouts = await readLayouts(session, options, where)
  await refuseForeignTriggers(session, options, layouts, where)
  if (await isInstalled(session, options.database)) await refuseOtherSystem(session, options, system)
  for (const statement of baseStatements(options.database)) await session.run(statement)
  await claimDatabase(session, options, system, layouts)
  return installTables(session, options, layouts)
}

/** Triggers keep the modes of the session that made them; changes of a structure may take longer than a step. */
export async function beginStructure(session: Session, options: MysqlOptions): Promise<void> {
  const seconds = Math.max(1, Math.ceil(options.lockTimeout / 1_000))
  await session.run(
    `SET SESSION sql_mode = '${SQL_MODE}', time_zone = '+00:00', lock_wait_timeout = ${seconds},
       innodb_lock_wait_timeout = ${seconds}, max_statement_time = 0`,
  )
}

/** Two captures of one table would take each other's triggers away. */
async function refuseForeignTriggers(
  session: Session,
  options: MysqlOptions,
  layouts: readonly TableLayout[],
  where: string,
): Promise<void> {
  const problems: string[] = []
  for (const layout of layouts)
    for (const trigger of await liveTriggers(session, layout)) {
      const owner = ownerOf(trigger)
      if (owner === options.database) continue
      const whose = owner === null ? 'is not of capture' : `belongs to the capture in database "${owner}"`
      problems.push(`${layout.label}: trigger ${trigger.name} ${whose}; a table has one capture`)
    }
  if (problems.length > 0) throw new ContractError(`${where}: ${problems.join('; ')}`)
}

/** Two systems in one database would publish each other's actions. */
export async function refuseOtherSystem(
  session: Session,
  options: MysqlOptions,
  system: string,
): Promise<void> {
  const [other] = await session.rows<{ system: string }>(
    `SELECT system FROM ${ident(options.database)}.meta WHERE system <> ?`,
    [system],
  )
  if (other)
    throw new ContractError(
      `system ${system}: adapter.database: database "${options.database}" belongs to system ${other.system}; give this system another one`,
    )
}

async function claimDatabase(
  session: Session,
  options: MysqlOptions,
  system: string,
  layouts: readonly TableLayout[],
): Promise<void> {
  const d = ident(options.database)
  const [old] = await session.rows<{ fence: string; generator: string }>(
    `SELECT fence, generator FROM ${d}.meta WHERE system = ?`,
    [system],
  )
  const variables = new Set(
    layouts.flatMap(layout => (layout.correlation.kind === 'variable' ? [layout.correlation.variable] : [])),
  )
  await session.run(
    `INSERT INTO ${d}.meta (system, variables, fence, generator) VALUES (?, ?, ?, ?)
     ON DUPLICATE KEY UPDATE variables = VALUES(variables), fence = VALUES(fence), generator = VALUES(generator)`,
    [system, JSON.stringify([...variables]), options.fence, GENERATOR_VERSION],
  )
  const [there] = await session.rows(
    `SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_NAME = 'enter'`,
    [options.database],
  )
  if (!there || old?.fence !== options.fence || Number(old.generator) !== GENERATOR_VERSION)
    await session.run(enterProcedure(options.database, options.fence))
  if (old && Number(old.generator) < GENERATOR_VERSION)
    await session.run(`DROP INDEX IF EXISTS correlation_id ON ${d}.open`)
  if (old?.fence !== options.fence)
    for (const statement of gateStatements(options.database, options.fence)) await session.run(statement)
}

async function installTables(
  session: Session,
  options: MysqlOptions,
  layouts: readonly TableLayout[],
): Promise<InstallReport> {
  const d = ident(options.database)
  const known = await knownTables(session, options.database)
  const report = { installed: [] as string[], unchanged: [] as string[], retired: [] as string[] }
  // Numbers first: triggers of a table may write into the logs of others.
  const tables = new Map<string, CapturedTable>()
  const due: CapturedTable[] = []
  const logs = new Map<string, number>()
  for (const layout of layouts) {
    const old = known.find(each => each.table.label === layout.label)
    const rel = await logOf(session, options.database, layout, old)
    logs.set(layout.label, rel)
    tables.set(layout.label, { ...layout, rel })
  }
  for (const table of tables.values()) {
    const old = known.find(each => each.table.label === table.label)
    const spec = specOf(table, tables, options.fence)
    const same = old?.table.rel === table.rel && old.spec === spec && old.triggered
    await session.run(`UPDATE ${d}.captured SET layout = ? WHERE rel = ?`, [layoutText(table), table.rel])
    if (same) report.unchanged.push(table.label)
    else due.push(table)
  }
  for (const table of due) {
    await installTriggers(session, options, table, tables)
    report.installed.push(table.label)
  }
  for (const gone of known.filter(each => !tables.has(each.table.label))) {
    await dropTriggers(session, options.database, gone.table)
    await session.run(`UPDATE ${d}.captured SET active = FALSE WHERE rel = ?`, [gone.table.rel])
    report.retired.push(gone.table.label)
  }
  return report
}

/** The numbers of the logs that a trigger writes into are a part of what it was made from. */
export function specOf(
  table: CapturedTable,
  tables: ReadonlyMap<string, CapturedTable>,
  fence: FenceMode,
): string {
  return specHash(table, [...tables.values()], fence)
}

const layoutText = ({ rel: _, ...layout }: CapturedTable) => JSON.stringify(layout)

/** The log to continue, or a new one where columns or key have changed; the old one stays for the actions that it holds. */
async function logOf(
  session: Session,
  database: string,
  layout: TableLayout,
  old: Known | undefined,
): Promise<number> {
  const signature = layoutSignature(layout)
  if (old && old.signature === signature) return old.table.rel
  // Not active before its triggers are there.
  await session.run(
    `INSERT INTO ${ident(database)}.captured (label, active, signature, layout, spec) VALUES (?, FALSE, ?, ?, '')`,
    [layout.label, signature, JSON.stringify(layout)],
  )
  const [row] = await session.rows<{ rel: string }>('SELECT LAST_INSERT_ID() AS rel')
  const table = { ...layout, rel: Number(row!.rel) }
  await session.run(logStatement(database, table))
  return table.rel
}

/** Under a lock of the table: no write may meet half of the old triggers and half of the new ones. */
async function installTriggers(
  session: Session,
  options: MysqlOptions,
  table: CapturedTable,
  tables: ReadonlyMap<string, CapturedTable>,
): Promise<void> {
  const { database } = options
  const spec = specOf(table, tables, options.fence)
  const triggers = triggersOf(database, table, tables, spec, options.fence)
  await session.run(`LOCK TABLES ${qualified(table.database, table.name)} WRITE`)
  try {
    for (const trigger of triggers) await session.run(trigger.statement)
    if (!triggers.some(trigger => trigger.kind === 'c'))
      await session.run(`DROP TRIGGER IF EXISTS ${qualified(table.database, triggerName(table.name, 'c'))}`)
  } finally {
    await session.run('UNLOCK TABLES')
  }
  await session.run(
    `UPDATE ${ident(database)}.captured SET active = (rel = ?), spec = IF(rel = ?, ?, spec) WHERE label = ${literal(table.label)}`,
    [table.rel, table.rel, spec],
  )
}

export async function dropTriggers(session: Session, database: string, table: TableLayout): Promise<number> {
  const ours = (await liveTriggers(session, table)).filter(trigger => ownerOf(trigger) === database)
  for (const trigger of ours)
    await session.run(`DROP TRIGGER IF EXISTS ${qualified(table.database, trigger.name)}`)
  return ours.length
}
