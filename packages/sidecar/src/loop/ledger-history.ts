import type { FollowerOptions, IncomingRecord } from '@unwind/runtime'
import type { ReadHistory } from './recall.js'

export interface LedgerHistoryOptions extends Pick<FollowerOptions, 'peek' | 'open' | 'verify' | 'admit'> {
  /** The records of one partition from a moment on (epoch ms), at least up to an offset. Throws when it cannot be read for now. */
  records(
    partition: number,
    sinceMs: number,
    until: bigint,
    signal: AbortSignal,
  ): AsyncIterable<readonly IncomingRecord[]>
}

/** Reads a part of the ledger again, and takes of it what the follower would have taken: nobody's word weighs more for being old (I5). */
export function ledgerHistory(options: LedgerHistoryOptions): ReadHistory {
  const { peek, open, verify, admit } = options
  return async ({ partition, sinceMs, until, signal }, keeps) => {
    const kept: IncomingRecord[] = []
    for await (const records of options.records(partition, sinceMs, until, signal))
      for (const record of records)
        if (record.offset < until && keeps(peek(record), record)) kept.push(record)
    const taken = await Promise.all(kept.map(taking))
    return taken.filter(followed => followed !== null)
  }

  async function taking(record: IncomingRecord) {
    const opened = await open(record)
    const verified = verify(record)
    if (opened.kind === 'poison' || !verified.ok) return null
    const { event, traceparent } = opened
    const { signer } = verified
    if (admit(event, signer, record)) return null
    const { topic, partition, offset, timestamp: writtenAt } = record
    return { event, position: { topic, partition, offset }, writtenAt, live: false, signer, traceparent }
  }
}
