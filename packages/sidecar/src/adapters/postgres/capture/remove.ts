import type { ClientBase } from 'pg'
import { ContractError } from '../../../adapter/port.js'
import type { PostgresOptions } from '../options.js'
import { dropTriggerStatements, TRIGGER } from '../sql/capture.js'
import { ident } from '../sql/quote.js'

/**
 * Takes capture away, with the undo log: afterwards nothing that was captured can be undone. The application's tables are as
 * they were before. Idempotent.
 * @returns the tables whose triggers were dropped.
 * @throws ContractError when the schema belongs to another system, so that nothing is dropped by mistake.
 */
export async function removeCapture(
  client: ClientBase,
  options: PostgresOptions,
  system: string,
): Promise<readonly string[]> {
  const { schema } = options
  await client.query('BEGIN')
  try {
    await client.query(`SELECT set_config('lock_timeout', $1, true)`, [`${options.lockTimeout}ms`])
    const exists = await client.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema])
    if (exists.rows.length === 0) {
      await client.query('COMMIT')
      return []
    }
    const owner = await client
      .query<{ system: string }>(`SELECT system FROM ${ident(schema)}.meta`)
      .catch(() =>
        Promise.reject(
          new ContractError(
            `system ${system}: schema "${schema}" was not made by "unwind capture install"; nothing was removed`,
          ),
        ),
      )
    if (owner.rows.some(row => row.system !== system))
      throw new ContractError(
        `system ${system}: schema "${schema}" belongs to system ${owner.rows[0]?.system}; nothing was removed`,
      )
    const { rows } = await client.query<{ schema: string; name: string }>(
      `SELECT tn.nspname AS schema, c.relname AS name FROM pg_catalog.pg_trigger t
       JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = c.relnamespace
       JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = $1 AND t.tgname = $2 AND t.tgparentid = 0 ORDER BY 1, 2`,
      [schema, TRIGGER],
    )
    for (const row of rows)
      for (const statement of dropTriggerStatements(row.schema, row.name)) await client.query(statement)
    await client.query(`DROP SCHEMA ${ident(schema)} CASCADE`)
    await client.query('COMMIT')
    return rows.map(row => `${row.schema}.${row.name}`)
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}
