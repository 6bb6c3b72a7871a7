import { type Contract, conflictPolicy, duration } from '@unwind/contracts'
import { z } from 'zod'
import { ContractError } from '../../adapter/port.js'

const column = z.string().min(1, 'expected a column name')

const correlation = z.union(
  [
    z.strictObject({
      setting: z
        .string()
        .regex(
          /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+$/,
          'expected a setting with a dot, such as "unwind.correlation_id"',
        ),
    }),
    /** For applications that cannot set one: correlation ID = prefix + the column's value. */
    z.strictObject({ column, prefix: z.string().default('') }),
  ],
  'expected {setting: name} or {column: name}',
)

const table = z.strictObject({
  /** Absent: the primary key. "row": no key at all; only inserts can be undone. */
  key: z.union([z.array(column).min(1), z.literal('row')], 'expected a list of columns or "row"').optional(),
  correlation: correlation.optional(),
  delta: z.array(column).default([]),
  ignore: z.array(column).default([]),
  /** Absent: what the action's contract says. */
  onConflict: conflictPolicy.optional(),
  /** Name of the action that a transaction which touched this table is recorded as. */
  action: z.string().min(1).optional(),
})

const tableName = z.string().regex(/^[^."\s]+(\.[^."\s]+)?$/, 'expected a table such as "public.orders"')

export const postgresOptions = z.strictObject({
  kind: z.literal('postgres'),
  url: z.string().min(1, 'expected a connection URL'),
  /** Where capture lives in the database. One schema a system. */
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,40}$/, 'expected a lower-case schema name')
    .default('unwind'),
  /** Connections that write, and as many that only read. One more relays. */
  pool: z.strictObject({ max: z.int().min(1).max(200).default(4) }).prefault({}),
  capture: z.strictObject({
    correlation: correlation.prefault({ setting: 'unwind.correlation_id' }),
    tables: z.record(tableName, table).refine(t => Object.keys(t).length > 0, 'expected at least one table'),
  }),
  /** expose: a late write is captured and said; reject: it fails. */
  fence: z.enum(['expose', 'reject']).default('expose'),
  probe: z
    .strictObject({
      /** Read beside the primary after a rollback; must hold the capture's schema, as physical replicas do. */
      replica: z
        .strictObject({
          url: z.string().min(1, 'expected a connection URL'),
          /** How long it may stay behind the primary. */
          lagWithin: duration.prefault('10s'),
        })
        .optional(),
    })
    .prefault({}),
  statementTimeout: duration.prefault('30s'),
  lockTimeout: duration.prefault('2s'),
  /** How long the undo log and the effect records are kept once they are published. */
  retention: duration.prefault('30d'),
})

export type PostgresOptions = z.infer<typeof postgresOptions>
export type TableOptions = z.infer<typeof table>

/** Name of a table as the catalog has it. */
export function splitTable(name: string): { schema: string; name: string } {
  const dot = name.indexOf('.')
  return dot < 0 ? { schema: 'public', name } : { schema: name.slice(0, dot), name: name.slice(dot + 1) }
}

/**
 * Checks the adapter's part of a contract whose variables are filled in.
 * @throws ContractError naming contract, key and what was expected.
 */
export function parseOptions(contract: Contract): PostgresOptions {
  const where = `contract ${contract.system}@${contract.version}`
  const parsed = postgresOptions.safeParse(contract.adapter)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      issue => `${['adapter', ...issue.path].join('.')}: ${issue.message}`,
    )
    throw new ContractError(`${where}: ${problems.join('; ')}`)
  }
  const options = parsed.data
  const names = Object.keys(contract.actions)
  for (const [key, value] of Object.entries(options.capture.tables)) {
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
    if (value.key === 'row' && value.delta.length > 0)
      throw new ContractError(
        `${path}.delta: a table without a key has no row that a difference could be taken from`,
      )
  }
  return options
}
