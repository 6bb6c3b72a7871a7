import type { EventLog, IncomingRecord } from '@unwind/runtime'
import { onAbort } from '../on-abort.js'

/** Which stretch of a log is read. */
export interface Stretch {
  readonly topic: string
  readonly partitions: readonly number[]
  /** Epoch ms: what was written before need not be read. */
  readonly from: number
}

export interface ReadLimits {
  /** Until the end is reached, beyond `settleMs`. */
  readonly timeoutMs: number
  /** How long is waited for more to come after the end was reached, unless it is enough. */
  readonly settleMs: number
  readonly signal: AbortSignal
}

/** Who waits for a reading. */
interface Member {
  readonly stretch: Stretch
  take(records: readonly IncomingRecord[]): void
  caughtUp(): void
  fail(error: Error): void
  /** Called by the member when it needs no more. */
  onEnd: () => void
}

/** Readings that begin further apart than this are not shared: a late retry would make everybody read a day, ms. */
const SHARED_SPAN_MS = 30_000

/**
 * Reads topics back. A reading starts after it was asked for, so that its end lies behind all that was written before; those who ask
 * while another one is on its way to the end share the next.
 */
export class ReadBacks {
  readonly #waiting = new Map<string, Member[]>()
  readonly #busy = new Set<string>()

  constructor(private readonly log: EventLog) {}

  /**
   * Reads from a moment to the end of the topic as it is when the reading begins; then, until it is `enough` or the time is over,
   * what comes in addition. Nothing is committed anywhere.
   * @param visit gets the records of these partitions in order; also older ones than asked for, when a reading is shared.
   * @throws what the driver says of a read that failed, or `ReadTooSlow`.
   */
  read(
    stretch: Stretch,
    limits: ReadLimits,
    visit: (records: readonly IncomingRecord[]) => void,
    enough: () => boolean,
  ): Promise<void> {
    const { topic } = stretch
    return new Promise((resolve, reject) => {
      let caughtUp = false
      let settled = limits.settleMs === 0
      let ended = false
      const end = (settle: () => void) => {
        if (ended) return
        ended = true
        clearTimeout(settling)
        clearTimeout(deadline)
        endWait?.()
        member.onEnd()
        settle()
      }
      const check = () => {
        if (!ended && caughtUp && (settled || enough())) end(resolve)
      }
      const fail = (error: Error) => end(() => reject(error))
      const partitions = new Set(stretch.partitions)
      const member: Member = {
        stretch,
        take(records) {
          // Of one partition, as the reader delivers them.
          if (ended || !partitions.has(records[0]?.partition ?? -1)) return
          visit(records)
          check()
        },
        caughtUp() {
          caughtUp = true
          check()
        },
        fail,
        onEnd: () => this.#forget(member),
      }
      const settling = setTimeout(() => {
        settled = true
        check()
      }, limits.settleMs)
      const deadline = setTimeout(
        () => fail(new ReadTooSlow(`${topic}: its end was not reached within ${limits.timeoutMs} ms`)),
        limits.settleMs + limits.timeoutMs,
      )
      const stopped = () => fail(new ReadTooSlow(`${topic}: the sidecar stopped before its end was read`))
      const endWait = onAbort(limits.signal, stopped)
      if (ended) return
      this.#waiting.set(topic, [...(this.#waiting.get(topic) ?? []), member])
      // At the end of this turn: steps that start together share a reading.
      setImmediate(() => this.#next(topic))
    })
  }

  #forget(member: Member): void {
    const { topic } = member.stretch
    const left = this.#waiting.get(topic)?.filter(each => each !== member) ?? []
    if (left.length > 0) this.#waiting.set(topic, left)
    else this.#waiting.delete(topic)
  }

  #next(topic: string): void {
    const waiting = this.#waiting.get(topic)
    const first = waiting?.[0]
    if (!waiting || !first || this.#busy.has(topic)) return
    const near = (each: Member) => Math.abs(each.stretch.from - first.stretch.from) <= SHARED_SPAN_MS
    const members = new Set(waiting.filter(near))
    for (const member of members) this.#forget(member)
    this.#busy.add(topic)
    const onward = () => {
      if (this.#busy.delete(topic)) this.#next(topic)
    }
    const all = [...members].map(member => member.stretch)
    const reader = this.log.reader({
      topics: [topic],
      partitions: [...new Set(all.flatMap(stretch => stretch.partitions))],
      from: { timestampMs: Math.min(...all.map(stretch => stretch.from)) },
      onRecords(records) {
        for (const member of [...members]) member.take(records)
      },
      onCaughtUp() {
        // Whoever still waits for more to come does not hold up those who want to read to the new end.
        for (const member of [...members]) member.caughtUp()
        onward()
      },
      onFatal: error => fail(error),
    })
    const close = () => {
      void reader.stop().then(onward, onward)
    }
    const fail = (error: Error) => {
      for (const member of [...members]) member.fail(error)
      close()
    }
    for (const member of members)
      member.onEnd = () => {
        members.delete(member)
        if (members.size === 0) close()
      }
    reader.start().catch(fail)
  }
}

export class ReadTooSlow extends Error {
  override readonly name = 'ReadTooSlow'
}
