import { readFile } from 'node:fs/promises'
import type { Stack } from '@unwind/local-stack'
import { createMysqlAdapter, openSession } from '@unwind/sidecar/mysql'
import { benchContext } from './context.js'
import { capturedDatabase } from './mysql.js'
import type { UndoSubject } from './undo.js'

/** pgbench's accounts in MariaDB. */
export async function mysqlUndoSubject(stack: Stack, rows: number): Promise<UndoSubject> {
  const { url, contract } = await capturedDatabase(
    stack,
    `undo_${rows}`,
    [
      'CREATE TABLE accounts (aid int PRIMARY KEY, abalance int NOT NULL, filler char(84))',
      `INSERT INTO accounts SELECT seq, 0, '' FROM seq_1_to_${rows}`,
    ],
    { accounts: {} },
  )
  const adapter = createMysqlAdapter(benchContext(contract))
  const session = await openSession({ url })
  return {
    adapter,
    async forward(correlationId) {
      await session.run('SET @unwind_correlation_id = ?', [correlationId])
      await session.run('UPDATE accounts SET abalance = abalance + 1')
      await session.run('SET @unwind_correlation_id = NULL')
    },
    async serverProcesses() {
      const [row] = await session.rows<{ file: string }>('SELECT @@pid_file AS file')
      const text = await readFile(row!.file, 'utf8').catch(() => '')
      return text === '' ? [] : [Number(text)]
    },
    async close() {
      await session.end()
      await adapter.stop()
    },
  }
}
