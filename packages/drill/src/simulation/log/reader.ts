import type { LogReader, ReaderOptions } from '@unwind/runtime'
import type { Process } from '../process/process.js'
import type { SimRecord } from './record.js'
import { LEDGER, type SimLog } from './sim-log.js'

/** A reader of the ledger without a group, in one process: from given offsets on, in order, unless it is paused. */
export function simReader(
  log: SimLog,
  process: Process,
  { from, onRecords }: Pick<ReaderOptions, 'from' | 'onRecords'>,
): LogReader {
  const offsets = typeof from === 'object' && 'offsets' in from ? from.offsets : new Map<number, bigint>()
  const paused = new Set<number>()
  const positions = Array.from({ length: log.partitions }, (_, p) => Number(offsets.get(p) ?? 0n))
  let stopped = false
  const fetch = (partition: number) => {
    if (stopped || paused.has(partition)) return
    const records = log.partition(LEDGER, partition).slice(positions[partition])
    if (records.length === 0) return
    positions[partition]! += records.length
    onRecords(records)
  }
  return {
    async start() {
      log.watch(({ topic, partition }) => {
        if (topic === LEDGER && process.alive) process.later(1, () => fetch(partition))
      })
      for (const partition of positions.keys()) process.later(1, () => fetch(partition))
    },
    pause(partitions) {
      for (const { partition } of partitions) paused.add(partition)
    },
    resume(partitions) {
      for (const { partition } of partitions)
        if (paused.delete(partition)) process.later(1, () => fetch(partition))
    },
    async stop() {
      stopped = true
    },
  }
}

/** One partition of the ledger from a moment on, read again in one process. */
export async function* simHistory(
  log: SimLog,
  process: Process,
  partition: number,
  sinceMs: number,
): AsyncGenerator<readonly SimRecord[]> {
  yield await process.answer(5, () =>
    log.partition(LEDGER, partition).filter(({ timestamp }) => timestamp >= sinceMs),
  )
}
