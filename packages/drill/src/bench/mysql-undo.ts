import type { Stack } from '@unwind/local-stack'
import { createMysqlAdapter, openSession } from '@unwind/sidecar/mysql'
import { capturedDatabase } from './mysql.js'
import type { Figure } from './report.js'

/** An undo has this many rows a second to be called fast enough. */
const TARGET_RATE = 20_000
const RUNS = 3
const MIB = 1024 * 1024

/**
 * One transaction that changed so many rows, undone in one step: rows a second (median of several runs), and what the sidecar's
 * memory grew by, which must not depend on the number of rows.
 */
export async function undoRate(stack: Stack, sizes: readonly number[]): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const rows of sizes) {
    const { url, contract } = await capturedDatabase(
      stack,
      `undo_${rows}`,
      [
        'CREATE TABLE accounts (aid int PRIMARY KEY, abalance int NOT NULL, filler char(84))',
        `INSERT INTO accounts SELECT seq, 0, '' FROM seq_1_to_${rows}`,
      ],
      { accounts: {} },
    )
    const silent = () => undefined
    const adapter = createMysqlAdapter({
      contract,
      actionContract: action => contract.actions[action],
      log: { info: silent, warn: silent, error: silent },
      failpoint: async () => undefined,
    })
    const session = await openSession({ url })
    try {
      await adapter.start()
      const rates: number[] = []
      let grown = 0
      for (let run = 0; run < RUNS; run++) {
        const measured = await undoOnce(`u${rows}-${run}`, rows)
        rates.push(measured.rate)
        grown = Math.max(grown, measured.grown)
      }
      rates.sort((a, b) => a - b)
      figures.push(
        {
          name: `mariadb_undo_${rows}_rows`,
          value: rates[Math.floor(rates.length / 2)]!,
          unit: 'rows/s',
          reference: { name: 'target', value: TARGET_RATE },
        },
        { name: `mariadb_undo_${rows}_rows_memory_growth`, value: grown / MIB, unit: 'MiB', reference: null },
      )
    } finally {
      await session.end()
      await adapter.stop()
    }

    async function undoOnce(correlationId: string, expected: number) {
      const { signal } = new AbortController()
      await session.run('SET @unwind_correlation_id = ?', [correlationId])
      await session.run('UPDATE accounts SET abalance = abalance + 1')
      await session.run('SET @unwind_correlation_id = NULL')
      const rollbackId = `rb-${correlationId}`
      const [report] = await adapter.fence([{ correlationId, rollbackId }], signal)
      if (report?.kind !== 'fenced') throw new Error(`the fence failed: ${JSON.stringify(report)}`)
      const before = process.memoryUsage.rss()
      const began = performance.now()
      const result = await adapter.undo(
        {
          rollbackId,
          correlationId,
          stepId: 'bank',
          key: `${rollbackId}/bank`,
          actions: report.found,
          resolution: null,
          traceparent: null,
        },
        signal,
      )
      const seconds = (performance.now() - began) / 1_000
      if (result.kind !== 'applied' || result.items !== expected)
        throw new Error(`the undo of ${expected} rows was not applied: ${JSON.stringify(result)}`)
      return { rate: expected / seconds, grown: Math.max(0, process.memoryUsage.rss() - before) }
    }
  }
  return figures
}
