import { dirname } from 'node:path'
import { startStack } from '@unwind/local-stack'
import type { Adapter } from '@unwind/sidecar'
import { mysqlUndoSubject } from './mysql-undo.js'
import { PeakMemory } from './peak-memory.js'
import { postgresUndoSubject } from './postgres-undo.js'
import type { Figure } from './report.js'
import type { SectionContext } from './sections.js'

/** An undo has this many rows a second to be called fast enough. */
const TARGET_RATE = 20_000
const RUNS = 3
const MIB = 1024 * 1024

/** A captured table of so many rows, and the adapter beside it. */
export interface UndoSubject {
  readonly adapter: Adapter
  /** Changes every row in one transaction under a correlation ID. */
  forward(correlationId: string): Promise<void>
  /** Processes of the server that work for the adapter; empty where that cannot be told. */
  serverProcesses(): Promise<readonly number[]>
  close(): Promise<void>
}

/** One transaction that changed so many rows, undone in one step: rows a second, and the peak of memory, on both databases. */
export async function undoFigures(context: SectionContext): Promise<readonly Figure[]> {
  const { stack, dir, quick, say } = context
  const sizes = quick ? [1_000] : [10_000, 100_000]
  const mariadb = await startStack({
    stateDir: dirname(dir),
    name: 'bench-mariadb',
    fresh: true,
    parts: ['mariadb'],
    say,
  })
  try {
    const figures: Figure[] = []
    for (const rows of sizes)
      figures.push(...(await undoRate('postgres', rows, await postgresUndoSubject(stack, rows))))
    for (const rows of sizes)
      figures.push(...(await undoRate('mariadb', rows, await mysqlUndoSubject(mariadb, rows))))
    return figures
  } finally {
    await mariadb.stop()
  }
}

/** Memory: growth over what was held before the undo, at its peak; it must not depend on the number of rows. */
async function undoRate(name: string, rows: number, subject: UndoSubject): Promise<readonly Figure[]> {
  const rates: number[] = []
  let [ours, servers] = [0, 0]
  try {
    await subject.adapter.start()
    for (let run = 0; run < RUNS; run++) {
      const measured = await undoOnce(subject, `u${rows}-${run}`, rows)
      rates.push(measured.rate)
      ours = Math.max(ours, measured.ours)
      servers = Math.max(servers, measured.servers)
    }
  } finally {
    await subject.close()
  }
  rates.sort((a, b) => a - b)
  return [
    {
      name: `${name}_undo_${rows}_rows`,
      value: rates[Math.floor(rates.length / 2)]!,
      unit: 'rows/s',
      reference: { name: 'target', value: TARGET_RATE },
    },
    { name: `${name}_undo_${rows}_rows_sidecar_memory`, value: ours / MIB, unit: 'MiB', reference: null },
    { name: `${name}_undo_${rows}_rows_server_memory`, value: servers / MIB, unit: 'MiB', reference: null },
  ]
}

async function undoOnce(
  { adapter, forward, serverProcesses }: UndoSubject,
  correlationId: string,
  rows: number,
) {
  const { signal } = new AbortController()
  const rollbackId = `rb-${correlationId}`
  await forward(correlationId)
  const [report] = await adapter.fence([{ correlationId, rollbackId }], signal)
  if (report?.kind !== 'fenced') throw new Error(`the fence failed: ${JSON.stringify(report)}`)
  const work = {
    rollbackId,
    correlationId,
    stepId: 'bank',
    key: `${rollbackId}/bank`,
    actions: report.found,
    resolution: null,
    traceparent: null,
  }
  const memory = PeakMemory.begin(process.pid, await serverProcesses())
  const began = performance.now()
  const result = await adapter.undo(work, signal)
  const seconds = (performance.now() - began) / 1_000
  const { ours, others: servers } = memory.end()
  if (result.kind !== 'applied' || result.items !== rows)
    throw new Error(`the undo of ${rows} rows was not applied: ${JSON.stringify(result)}`)
  const seen = await adapter.probe(work, signal)
  if (seen.kind !== 'seen' || seen.restored !== rows)
    throw new Error(`the probe did not see ${rows} rows restored: ${JSON.stringify(seen).slice(0, 500)}`)
  return { rate: rows / seconds, ours, servers }
}
