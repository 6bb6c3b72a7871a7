import { ContractError } from '../../adapter/port.js'
import { checkServer } from './capture/server.js'
import { captureStatus } from './capture/status.js'
import type { Session } from './database.js'
import { isServerError } from './errors.js'
import { type MysqlOptions, splitTable } from './options.js'
import { ident, qualified } from './sql/quote.js'

/**
 * Does the database have all that the contract asks for? Nothing is repaired.
 * @throws ContractError with every problem and what to do.
 */
export async function checkStart(
  session: Session,
  options: MysqlOptions,
  system: string,
  where: string,
): Promise<void> {
  await checkServer(session, where)
  const status = await captureStatus(session, options, system)
  const { database } = options
  if (!status.installed)
    throw new ContractError(
      `${where}: capture is not installed in database "${database}"; run "unwind capture install"`,
    )
  const owner = await session.rows(`SELECT 1 FROM ${ident(database)}.meta WHERE system = ?`, [system])
  const problems = status.tables.flatMap(table =>
    table.problem === null ? [] : [`${table.table}: ${table.problem}`],
  )
  if (owner.length === 0)
    problems.unshift(`database "${database}" was installed for another system; give this system another one`)
  if (problems.length === 0) problems.push(...(await missingRights(session, options)))
  if (problems.length > 0) throw new ContractError(`${where}: ${problems.join('; ')}`)
}

/** Explaining a statement asks for the rights that the statement would need, and does nothing else. */
async function missingRights(session: Session, options: MysqlOptions): Promise<readonly string[]> {
  const [user] = await session.rows<{ name: string }>('SELECT CURRENT_USER() AS name')
  const problems: string[] = []
  for (const key of Object.keys(options.capture.tables)) {
    const { database, name } = splitTable(key, options.home)
    const lacking = await denied(session, qualified(database, name))
    if (lacking.length > 0)
      problems.push(
        `${database}.${name}: user ${user!.name} lacks ${lacking.join(', ')}; GRANT ${lacking.join(', ')} ON ${database}.${name} TO that user`,
      )
  }
  const lacking = await denied(session, `${ident(options.database)}.effect`)
  if (lacking.length === 0) {
    try {
      const probe = `${ident(options.database)}.start_check`
      await session.run(`CREATE TEMPORARY TABLE ${probe} (one INT)`)
      await session.run(`DROP TEMPORARY TABLE ${probe}`)
    } catch (error) {
      if (!isServerError(error)) throw error
      lacking.push('CREATE TEMPORARY TABLES')
    }
  }
  const routine = await session.rows(
    `SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_NAME = 'enter'`,
    [options.database],
  )
  // A user sees the routines that it may execute.
  if (routine.length === 0) lacking.push('EXECUTE')
  if (lacking.length > 0)
    problems.push(
      `database "${options.database}": user ${user!.name} lacks ${lacking.join(', ')}; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, EXECUTE ON ${options.database}.* TO that user`,
    )
  return problems
}

async function denied(session: Session, table: string): Promise<string[]> {
  const statements = {
    SELECT: `SELECT 1 FROM ${table}`,
    INSERT: `INSERT INTO ${table} () VALUES ()`,
    UPDATE: `UPDATE ${table} SET ${await firstColumn(session, table)} = NULL`,
    DELETE: `DELETE FROM ${table}`,
  }
  const lacking: string[] = []
  for (const [right, statement] of Object.entries(statements)) {
    try {
      await session.rows(`EXPLAIN ${statement}`)
    } catch (error) {
      if (!isServerError(error) || ![1142, 1143, 1044].includes(error.errno)) throw error
      lacking.push(right)
    }
  }
  return lacking
}

async function firstColumn(session: Session, table: string): Promise<string> {
  try {
    const [row] = await session.rows<{ Field: string }>(`SHOW COLUMNS FROM ${table}`)
    return ident(row?.Field ?? 'id')
  } catch (error) {
    if (!isServerError(error)) throw error
    return ident('id')
  }
}
