import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { foldTimeline, type TimelineEntry, type TimelineRecord } from '@unwind/core'
import { type Cursor, formatPlace, parsePlace, START } from './stream-place.js'

export interface StreamOptions {
  readonly correlationId: string
  /** "Last-Event-ID" of the caller; null: from the beginning. */
  readonly lastEventId: string | null
  readonly actionsTopic: string
  recordsOf(correlationId: string): Promise<readonly TimelineRecord[]>
  /** Resolves when something may have come, or after a while. */
  changed(signal: AbortSignal): Promise<void>
  readonly signal: AbortSignal
  /** Between two looks at least, ms. Default 50. */
  readonly restMs?: number
}

/** A comment often enough that no proxy takes the connection for dead. */
const KEEP_ALIVE_MS = 15_000
const RETRY_MS = 1_000
/** A partition that many write to moves all the time: a timeline is folded so often and no more. */
const REST_MS = 50
/** A reader that takes nothing for so long is cut off; it comes back with its last ID and has lost nothing. */
const SLOW_READER_MS = 30_000

/**
 * Sends the timeline as server-sent events: what is there, then what comes. Entries come by cause within what came at once. Each
 * ID says which batch it is of and how much of it was sent, so a reader that was cut off anywhere goes on with the very next
 * entry. Ends when the signal aborts.
 * @throws Error when the reader is too slow.
 */
export async function streamTimeline(out: ServerResponse, options: StreamOptions): Promise<void> {
  const { correlationId, actionsTopic, signal, restMs = REST_MS } = options
  let { from, until, sent } = parsePlace(options.lastEventId) ?? { from: START, until: null, sent: 0 }
  await write(out, `retry: ${RETRY_MS}\n\n`, signal)
  const keepAlive = setInterval(() => {
    if (!out.writableNeedDrain) out.write(': still here\n\n')
  }, KEEP_ALIVE_MS)
  try {
    while (!signal.aborted) {
      // Asked for before reading, so that nothing that comes in between is missed.
      const changed = options.changed(signal)
      const all = await options.recordsOf(correlationId)
      const reached: Cursor = until ?? all.reduce((so, { position }) => advance(so, position), from)
      const batch = all.filter(record => !isAfter(record.position, reached))
      const news = foldTimeline(correlationId, batch).entries.filter(({ position }) =>
        isAfter({ ...position, offset: BigInt(position.offset) }, from),
      )
      for (const [index, entry] of news.entries())
        if (index >= sent)
          await write(out, eventOf(entry, formatPlace({ from, until: reached, sent: index + 1 })), signal)
      from = reached
      sent = 0
      // What was cut off is sent; what has come since then is the next batch.
      if (until === null) await Promise.all([changed, new Promise(resolve => setTimeout(resolve, restMs))])
      until = null
    }
  } finally {
    clearInterval(keepAlive)
    out.end()
  }

  function isAfter({ topic, offset }: { topic: string; offset: bigint }, cursor: Cursor): boolean {
    return offset > (topic === actionsTopic ? cursor.actions : cursor.ledger)
  }

  function advance(cursor: Cursor, { topic, offset }: { topic: string; offset: bigint }): Cursor {
    if (!isAfter({ topic, offset }, cursor)) return cursor
    return topic === actionsTopic ? { ...cursor, actions: offset } : { ...cursor, ledger: offset }
  }
}

function eventOf(entry: TimelineEntry, id: string): string {
  return `id: ${id}\ndata: ${JSON.stringify(entry)}\n\n`
}

/** Waits for a reader that has not taken what was sent: nothing piles up here. */
async function write(out: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || out.write(text)) return
  const slow = AbortSignal.timeout(SLOW_READER_MS)
  await once(out, 'drain', { signal: AbortSignal.any([signal, slow]) }).catch(error => {
    if (!signal.aborted) throw error
  })
}
