import type { ServerEvent } from './event-stream.js'
import { ApiProblem } from './problem.js'

const FIRST_WAIT_MS = 250
const MAX_WAIT_MS = 5_000

export interface ResumeOptions {
  readonly signal: AbortSignal
  /** Called before each new attempt, so that a person is told. */
  readonly onReconnect?: (error: unknown, waitMs: number) => void
  /** Resolves after so many milliseconds or when the signal aborts, whichever comes first. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * A stream that outlives its connections: after a cut it goes on behind the last event that was delivered, with growing
 * waits. Ends when the signal aborts. A refusal that will not pass by itself (4xx) is thrown.
 */
export async function* resuming(
  open: (lastEventId: string | null) => AsyncIterable<ServerEvent>,
  { signal, onReconnect, wait }: ResumeOptions,
): AsyncGenerator<ServerEvent> {
  let last: string | null = null
  let waitMs = FIRST_WAIT_MS
  while (!signal.aborted) {
    let cause: unknown = new Error('the coordinator closed the stream')
    try {
      for await (const event of open(last)) {
        last = event.id ?? last
        waitMs = FIRST_WAIT_MS
        yield event
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiProblem && error.status < 500) throw error
      if (error instanceof RangeError) throw error
      cause = error
    }
    if (signal.aborted) return
    onReconnect?.(cause, waitMs)
    await wait(waitMs, signal)
    waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)
  }
}
