import { ContractError } from '../../../adapter/port.js'
import type { Session } from '../database.js'
import type { TableLayout } from '../layout.js'
import type { MysqlOptions } from '../options.js'
import { ident } from '../sql/quote.js'
import { beginStructure, dropTriggers } from './install.js'
import { isInstalled } from './known.js'

/**
 * Takes capture away, with the undo log: afterwards nothing that was captured can be undone. The application's tables are as they
 * were before. Idempotent; triggers go first, so that one that is cut off leaves no trigger without its log.
 * @returns the tables whose triggers were dropped.
 * @throws ContractError when the database belongs to another system, so that nothing is dropped by mistake.
 */
export async function removeCapture(
  session: Session,
  options: MysqlOptions,
  system: string,
): Promise<readonly string[]> {
  const { database } = options
  const exists = await session.rows(`SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?`, [
    database,
  ])
  if (exists.length === 0) return []
  if (!(await isInstalled(session, database)))
    throw new ContractError(
      `system ${system}: database "${database}" was not made by "unwind capture install"; nothing was removed`,
    )
  const owners = await session.rows<{ system: string }>(`SELECT system FROM ${ident(database)}.meta`)
  const other = owners.find(row => row.system !== system)
  if (other)
    throw new ContractError(
      `system ${system}: database "${database}" belongs to system ${other.system}; nothing was removed`,
    )
  await beginStructure(session, options)
  const rows = await session.rows<{ layout: string }>(`SELECT layout FROM ${ident(database)}.captured`)
  const removed = new Set<string>()
  for (const row of rows) {
    const layout = JSON.parse(row.layout) as TableLayout
    if ((await dropTriggers(session, database, layout)) > 0) removed.add(layout.label)
  }
  await session.run(`DROP DATABASE ${ident(database)}`)
  return [...removed].sort()
}
