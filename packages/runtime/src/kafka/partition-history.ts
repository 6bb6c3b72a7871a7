import type { EventLog, IncomingRecord, LogReader, TopicPartition } from './port.js'

export interface HistoryOptions {
  readonly log: EventLog
  readonly partition: TopicPartition
  /** Where to begin: the log's start, or the first record at or after a moment (epoch ms). */
  readonly from: 'start' | { readonly timestampMs: number }
  /** The first offset that is not wanted. */
  readonly until: bigint
  readonly signal: AbortSignal
}

const PAUSE_ABOVE = 4_000
const BATCH = 1_000

/** The records of one partition below an offset, in batches, at the pace of whoever takes them. */
export async function* partitionHistory(options: HistoryOptions): AsyncGenerator<readonly IncomingRecord[]> {
  const { log, partition, until, signal } = options
  let waiting: IncomingRecord[] = []
  let ended = false
  let failure: Error | null = null
  let wake: () => void = () => undefined
  const end = (error: Error | null = null) => {
    ended = true
    failure ??= error
    wake()
  }
  const reader: LogReader = log.reader({
    topics: [partition.topic],
    partitions: [partition.partition],
    from: options.from,
    onRecords(records) {
      for (const record of records) {
        if (record.offset < until) waiting.push(record)
        if (record.offset + 1n >= until) ended = true
      }
      if (waiting.length > PAUSE_ABOVE) reader.pause([partition])
      wake()
    },
    onCaughtUp: () => end(),
    onFatal: error => end(error),
  })
  const aborted = () => end(new Error(`reading ${partition.topic}/${partition.partition} again was stopped`))
  signal.addEventListener('abort', aborted, { once: true })
  try {
    await reader.start()
    for (;;) {
      if (failure) throw failure
      if (waiting.length === 0) {
        if (ended) return
        await new Promise<void>(resolve => {
          wake = resolve
        })
        continue
      }
      const batch = waiting.slice(0, BATCH)
      waiting = waiting.slice(BATCH)
      if (waiting.length <= PAUSE_ABOVE / 4) reader.resume([partition])
      yield batch
    }
  } finally {
    signal.removeEventListener('abort', aborted)
    await reader.stop()
  }
}
