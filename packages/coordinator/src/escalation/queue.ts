import type { Cancel, Failpoint, Timers } from '@unwind/runtime'
import type { Channel, Message, Sent } from './channels/channel.js'
import { SecretUnreadable } from './channels/secret-file.js'

/** One notice that waits for its channel. */
export interface Job {
  /** What to say now; null: nothing any more, since somebody took the alarm or its cause is gone. */
  message(): Message | null
  /** @param attempts in all, by this process. @param detail why it was refused. */
  settled(outcome: 'delivered' | 'refused', attempts: number, detail: string | null): void
  dropped(): void
}

export interface ChannelQueueOptions {
  readonly channel: Channel
  readonly timers: Timers
  readonly failpoint: Failpoint
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000

/**
 * What waits for one channel. A channel that is down is down for all of it: one attempt after a pause that doubles shows when
 * it is back, instead of thousands. Nothing is given up while it is still to be said.
 */
export class ChannelQueue {
  readonly #waiting: { readonly job: Job; attempts: number }[] = []
  readonly #stopping = new AbortController()
  readonly #attempts = new Set<Promise<void>>()
  #closed = false
  #failures = 0
  /** Monotonic, milliseconds. */
  #pausedUntil = 0
  #cancel: Cancel = () => undefined

  constructor(private readonly options: ChannelQueueOptions) {}

  get waiting(): number {
    return this.#waiting.length + this.#attempts.size
  }

  push(job: Job): void {
    this.#waiting.push({ job, attempts: 0 })
    this.#pump()
  }

  /** Begins nothing more; resolves when what is on its way has its answer. */
  async drain(): Promise<void> {
    this.#closed = true
    this.#cancel()
    this.#waiting.length = 0
    await Promise.all(this.#attempts)
  }

  /** Breaks off what is on its way. */
  async stop(): Promise<void> {
    this.#closed = true
    this.#cancel()
    this.#stopping.abort()
    await this.options.channel.close()
  }

  #pump(): void {
    const { channel, timers } = this.options
    if (this.#closed) return
    const wait = this.#pausedUntil - timers.elapsed()
    if (wait > 0) {
      this.#cancel()
      this.#cancel = timers.after(wait, () => this.#pump())
      return
    }
    // One at a time until it is known to be back.
    const parallel = this.#failures > 0 ? 1 : channel.parallel
    while (this.#attempts.size < parallel) {
      const next = this.#waiting.shift()
      if (!next) return
      const message = next.job.message()
      if (message === null) next.job.dropped()
      else this.#begin(next, message)
    }
  }

  #begin(item: { readonly job: Job; attempts: number }, message: Message): void {
    const attempt = this.#attempt(item, message).finally(() => {
      this.#attempts.delete(attempt)
      this.#pump()
    })
    this.#attempts.add(attempt)
  }

  async #attempt(item: { readonly job: Job; attempts: number }, message: Message): Promise<void> {
    const { channel, logger } = this.options
    item.attempts++
    const sent = await this.#send(message).catch(broken)
    if (this.#closed && sent.kind !== 'delivered') return
    if (sent.kind === 'again') {
      this.#failures++
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS)
      this.#pausedUntil = this.options.timers.elapsed() + Math.max(pause, sent.afterMs ?? 0)
      // Behind the others: a message that the channel chokes on must not hold them up.
      this.#waiting.push(item)
      logger.warn(
        {
          channel: channel.name,
          rollbackId: message.rollbackId,
          reason: sent.reason,
          attempt: item.attempts,
        },
        'an alarm was not delivered; it is tried again',
      )
    } else {
      if (this.#failures > 0) logger.info({ channel: channel.name }, 'the channel delivers alarms again')
      this.#failures = 0
      item.job.settled(sent.kind, item.attempts, sent.kind === 'refused' ? sent.reason : null)
    }
  }

  async #send(message: Message): Promise<Sent> {
    const { channel, failpoint } = this.options
    await failpoint('notice.before-send')
    const sent = await channel.send(message, this.#stopping.signal)
    await failpoint('notice.after-send')
    return sent
  }
}

/** A file with a secret may appear; anything else is a fault of ours, which must not lose the alarm (I7). */
function broken(error: unknown): Sent {
  if (error instanceof SecretUnreadable) return { kind: 'again', reason: error.message }
  return { kind: 'again', reason: `it could not be sent: ${(error as { name?: string }).name ?? 'unknown'}` }
}
