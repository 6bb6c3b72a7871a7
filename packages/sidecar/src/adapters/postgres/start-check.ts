import type { ClientBase } from 'pg'
import { ContractError } from '../../adapter/port.js'
import { captureStatus } from './capture/status.js'
import { type PostgresOptions, splitTable } from './options.js'
import { ident, qualified } from './sql/quote.js'

/** xid8, pg_snapshot and sha256() are there from 13 on. */
const OLDEST_SERVER = 130_000

/**
 * Does the database have all that the contract asks for? Nothing is repaired.
 * @throws ContractError with every problem and what to do.
 */
export async function checkStart(
  client: ClientBase,
  options: PostgresOptions,
  system: string,
  where: string,
): Promise<void> {
  const version = await client.query<{ number: number }>(
    `SELECT current_setting('server_version_num')::int AS number`,
  )
  if (version.rows[0]!.number < OLDEST_SERVER)
    throw new ContractError(`${where}: the database is older than PostgreSQL 13, which capture needs`)
  const status = await captureStatus(client, options, system)
  if (!status.installed)
    throw new ContractError(
      `${where}: capture is not installed in schema "${options.schema}"; run "unwind capture install"`,
    )
  const owner = await client.query<{ system: string }>(
    `SELECT system FROM ${ident(options.schema)}.meta WHERE system = $1`,
    [system],
  )
  const problems = status.tables.flatMap(table =>
    table.problem === null ? [] : [`${table.table}: ${table.problem}`],
  )
  if (owner.rows.length === 0)
    problems.unshift(
      `schema "${options.schema}" was installed for another system; give this system another schema`,
    )
  if (problems.length === 0) problems.push(...(await missingRights(client, options)))
  if (problems.length > 0) throw new ContractError(`${where}: ${problems.join('; ')}`)
}

async function missingRights(client: ClientBase, options: PostgresOptions): Promise<readonly string[]> {
  const problems: string[] = []
  for (const key of Object.keys(options.capture.tables)) {
    const { schema, name } = splitTable(key)
    const { rows } = await client.query<{
      missing: string[]
      hidden: boolean
      unread: string[]
      role: string
    }>(
      `SELECT current_user::text AS role,
         ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p WHERE NOT has_table_privilege(c.oid, p)) AS missing,
         c.relrowsecurity AND row_security_active(c.oid) AS hidden,
         ARRAY(SELECT DISTINCT k.conrelid::regclass::text FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = c.oid
           AND k.confdeltype IN ('c', 'n', 'd') AND NOT has_table_privilege(k.conrelid, 'SELECT') ORDER BY 1) AS unread
       FROM pg_catalog.pg_class c WHERE c.oid = $1::regclass`,
      [qualified(schema, name)],
    )
    const { role, missing, hidden, unread } = rows[0]!
    if (missing.length > 0)
      problems.push(
        `${schema}.${name}: role ${role} lacks ${missing.join(', ')}; GRANT ${missing.join(', ')} ON ${schema}.${name} TO ${role}`,
      )
    // The undo of an inserted row looks there for rows of others that it would take along.
    for (const child of unread)
      problems.push(
        `${schema}.${name}: role ${role} may not read ${child}, whose rows go or change with it; GRANT SELECT ON ${child} TO ${role}`,
      )
    if (hidden)
      problems.push(
        `${schema}.${name}: row security hides rows from role ${role}; ALTER ROLE ${role} BYPASSRLS`,
      )
  }
  const { rows } = await client.query<{ allowed: boolean; role: string }>(
    `SELECT current_user::text AS role, has_schema_privilege($1, 'USAGE') AND has_table_privilege($1 || '.effect', 'INSERT') AS allowed`,
    [options.schema],
  )
  if (!rows[0]!.allowed)
    problems.push(
      `schema "${options.schema}": role ${rows[0]!.role} may not write the effect record; GRANT USAGE ON SCHEMA ${options.schema} and ALL ON ALL TABLES and SEQUENCES IN SCHEMA ${options.schema} TO ${rows[0]!.role}`,
    )
  return problems
}
