import { type Contract, conflictPolicy, duration } from '@unwind/contracts'
import { z } from 'zod'
import { ContractError } from '../../adapter/port.js'

const column = z.string().min(1, 'expected a column name')

const correlation = z.union(
  [
    z.strictObject({
      variable: z
        .string()
        .regex(/^@[a-z_][a-z0-9_]{0,50}$/, 'expected a user variable such as "@unwind_correlation_id"'),
    }),
    /** For applications that cannot set one: correlation ID = prefix + the column's value. */
    z.strictObject({ column, prefix: z.string().default('') }),
  ],
  'expected {variable: "@name"} or {column: name}',
)

const table = z.strictObject({
  /** Absent: the primary key. */
  key: z.array(column).min(1, 'expected a list of columns').optional(),
  correlation: correlation.optional(),
  delta: z.array(column).default([]),
  ignore: z.array(column).default([]),
  /** Absent: what the action's contract says. */
  onConflict: conflictPolicy.optional(),
  /** Name of the action that a transaction which touched this table is recorded as. */
  action: z.string().min(1).optional(),
})

const tableName = z
  .string()
  .regex(/^[^.`\s]+(\.[^.`\s]+)?$/, 'expected a table such as "orders" or "shop.orders"')

export const mysqlOptions = z.strictObject({
  kind: z.enum(['mysql', 'mariadb']),
  /** mysql://user:password@host:port/database; the database is that of tables which are named without one. */
  url: z.string().min(1, 'expected a connection URL'),
  /** Database in which capture lives, one a system. Absent: that of the URL with "_unwind" behind it. */
  database: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_$]{0,40}$/, 'expected a plain database name of at most 41 characters')
    .optional(),
  /** Connections that write, and as many that only read. One more relays. */
  pool: z.strictObject({ max: z.int().min(1).max(200).default(4) }).prefault({}),
  capture: z.strictObject({
    correlation: correlation.prefault({ variable: '@unwind_correlation_id' }),
    tables: z.record(tableName, table).refine(t => Object.keys(t).length > 0, 'expected at least one table'),
  }),
  /** expose: a late write is captured and said; reject: it fails. */
  fence: z.enum(['expose', 'reject']).default('expose'),
  /** Limit of one step, of one fence and of each statement. */
  statementTimeout: duration.prefault('30s'),
  /** The server counts whole seconds: rounded up. */
  lockTimeout: duration.prefault('2s'),
  /** How long the undo log and the effect records are kept once they are published. */
  retention: duration.prefault('30d'),
})

export type TableOptions = z.infer<typeof table>

/** With the databases that follow from the URL filled in. */
export interface MysqlOptions extends Omit<z.infer<typeof mysqlOptions>, 'database'> {
  readonly database: string
  /** Database of tables that are named without one. */
  readonly home: string
}

export function splitTable(name: string, home: string): { readonly database: string; readonly name: string } {
  const dot = name.indexOf('.')
  return dot < 0 ? { database: home, name } : { database: name.slice(0, dot), name: name.slice(dot + 1) }
}

/**
 * Checks the adapter's part of a contract whose variables are filled in.
 * @throws ContractError naming contract, key and what was expected.
 */
export function parseOptions(contract: Contract): MysqlOptions {
  const where = `contract ${contract.system}@${contract.version}`
  const parsed = mysqlOptions.safeParse(contract.adapter)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      issue => `${['adapter', ...issue.path].join('.')}: ${issue.message}`,
    )
    throw new ContractError(`${where}: ${problems.join('; ')}`)
  }
  const options = parsed.data
  const home = databaseOf(options.url, where)
  const database = options.database ?? `${home}_unwind`
  if (database === home)
    throw new ContractError(`${where}: adapter.database: capture needs a database of its own, not "${home}"`)
  checkTables(contract, options.capture.tables, where)
  return { ...options, home, database }
}

function databaseOf(url: string, where: string): string {
  const expected = 'expected a URL such as "mysql://user:password@host:3306/database"'
  const parsed = URL.canParse(url) ? new URL(url) : null
  const home = decodeURIComponent(parsed?.pathname.slice(1) ?? '')
  if (!parsed || !/^(mysql|mariadb):$/.test(parsed.protocol) || parsed.hostname === '')
    throw new ContractError(`${where}: adapter.url: ${expected}`)
  if (!/^[^/.`\s]{1,57}$/.test(home))
    throw new ContractError(`${where}: adapter.url: names no database; ${expected}`)
  return home
}

function checkTables(
  contract: Contract,
  tables: Readonly<Record<string, TableOptions>>,
  where: string,
): void {
  const names = Object.keys(contract.actions)
  for (const [key, value] of Object.entries(tables)) {
    const path = `${where}: adapter.capture.tables.${key}`
    if (value.action !== undefined && !names.includes(value.action))
      throw new ContractError(
        `${path}.action: the contract has no action "${value.action}"; it has ${names.join(', ')}`,
      )
    if (value.action === undefined && names.length > 1)
      throw new ContractError(
        `${path}: the contract has ${names.length} actions; say which one its transactions are (action: ${names[0]})`,
      )
    const both = value.delta.find(name => value.ignore.includes(name))
    if (both !== undefined)
      throw new ContractError(`${path}: column "${both}" is declared both delta and ignore`)
  }
}
