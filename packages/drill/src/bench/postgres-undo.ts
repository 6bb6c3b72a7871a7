import { contractSchema } from '@unwind/contracts'
import type { Stack } from '@unwind/local-stack'
import { createPostgresAdapter, installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import pg from 'pg'
import { benchContext } from './context.js'
import type { UndoSubject } from './undo.js'

/** pgbench's accounts in PostgreSQL. */
export async function postgresUndoSubject(stack: Stack, rows: number): Promise<UndoSubject> {
  const url = await stack.createDatabase(`bench_undo_${rows}`)
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'bank',
    version: '1.0.0',
    owner: { team: 'bank', contact: 'bank@example.com' },
    success: 'the balances are what the remaining history says',
    adapter: {
      kind: 'postgres',
      url,
      statementTimeout: '300s',
      capture: { tables: { 'public.accounts': {} } },
    },
    actions: { transferred: {} },
  })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('CREATE TABLE accounts (aid int PRIMARY KEY, abalance int NOT NULL, filler char(84))')
  await client.query(`INSERT INTO accounts SELECT i, 0, '' FROM generate_series(1, $1::int) i`, [rows])
  await installCapture(client, parsePostgresOptions(contract), contract.system)
  const adapter = createPostgresAdapter(benchContext(contract))
  return {
    adapter,
    async forward(correlationId) {
      await client.query('BEGIN')
      await client.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [correlationId])
      await client.query('UPDATE accounts SET abalance = abalance + 1')
      await client.query('COMMIT')
    },
    async serverProcesses() {
      const found = await client.query<{ pid: number }>(
        'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
      return found.rows.map(row => row.pid)
    },
    async close() {
      await client.end()
      await adapter.stop()
    },
  }
}
