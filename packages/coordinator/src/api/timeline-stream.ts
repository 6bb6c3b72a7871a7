import type { ServerResponse } from 'node:http'
import { foldTimeline, type TimelineEntry, type TimelineRecord } from '@unwind/core'

/** How far a stream has come: everything up to these offsets of the two topics was sent. */
interface Cursor {
  readonly actions: bigint
  readonly ledger: bigint
}

export interface StreamOptions {
  readonly correlationId: string
  /** "Last-Event-ID" of the caller; null: from the beginning. */
  readonly lastEventId: string | null
  readonly actionsTopic: string
  recordsOf(correlationId: string): Promise<readonly TimelineRecord[]>
  /** Resolves when something may have come, or after a while. */
  changed(signal: AbortSignal): Promise<void>
  readonly signal: AbortSignal
}

/** A comment often enough that no proxy takes the connection for dead. */
const KEEP_ALIVE_MS = 15_000
const RETRY_MS = 1_000

/** Sends the timeline as server-sent events: what is there, then what comes. Ends when the signal aborts. */
export async function streamTimeline(out: ServerResponse, options: StreamOptions): Promise<void> {
  const { correlationId, actionsTopic, signal } = options
  let cursor = parseCursor(options.lastEventId)
  out.write(`retry: ${RETRY_MS}\n\n`)
  const keepAlive = setInterval(() => out.write(': still here\n\n'), KEEP_ALIVE_MS)
  try {
    while (!signal.aborted) {
      // Asked for before reading, so that nothing that comes in between is missed.
      const changed = options.changed(signal)
      const { entries } = foldTimeline(correlationId, await options.recordsOf(correlationId))
      const news = entries.filter(entry => isAfter(entry, cursor, actionsTopic))
      const reached = news.reduce((so, entry) => advance(so, entry, actionsTopic), cursor)
      news.forEach((entry, index) => {
        // Entries come by cause, not by offset: only the last one of a batch may say that all of it was sent.
        const id = formatCursor(index === news.length - 1 ? reached : cursor)
        out.write(`id: ${id}\ndata: ${JSON.stringify(entry)}\n\n`)
      })
      cursor = reached
      await changed
    }
  } finally {
    clearInterval(keepAlive)
    out.end()
  }
}

function isAfter(entry: TimelineEntry, cursor: Cursor, actionsTopic: string): boolean {
  const offset = BigInt(entry.position.offset)
  return offset > (entry.position.topic === actionsTopic ? cursor.actions : cursor.ledger)
}

function advance(cursor: Cursor, { position }: TimelineEntry, actionsTopic: string): Cursor {
  const offset = BigInt(position.offset)
  if (position.topic === actionsTopic)
    return offset > cursor.actions ? { ...cursor, actions: offset } : cursor
  return offset > cursor.ledger ? { ...cursor, ledger: offset } : cursor
}

function formatCursor({ actions, ledger }: Cursor): string {
  return `${actions}.${ledger}`
}

/** An ID that is not ours starts from the beginning: entries may repeat, none is missed. */
function parseCursor(id: string | null): Cursor {
  const match = /^(-?\d{1,19})\.(-?\d{1,19})$/.exec(id ?? '')
  return match ? { actions: BigInt(match[1]!), ledger: BigInt(match[2]!) } : { actions: -1n, ledger: -1n }
}
