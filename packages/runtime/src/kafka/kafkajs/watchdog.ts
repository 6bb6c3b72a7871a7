import type { DriverLog } from './settings.js'

export interface WatchdogEvents {
  /** Nothing is to be fetched at the moment. */
  idle(): boolean
  /** False: a reader without a group, whose membership cannot be stuck. Default true. */
  readonly grouped?: boolean
  restart(): void
  giveUp(error: Error): void
  readonly log: DriverLog
}

/** Restarts in a row before giving up. */
const RESTARTS = 3

/**
 * Every request has a deadline, so both loops turn every few seconds, with success or failure. A loop that does not turn
 * is stuck in a promise that will never settle: it is restarted inside, and after some times the consumer gives up, so
 * that its process ends and is restarted, instead of living on deaf.
 */
export class Watchdog {
  #turned = { group: performance.now(), fetch: performance.now() }
  #restarts = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    readonly limitMs: number,
    readonly events: WatchdogEvents,
  ) {}

  start(): void {
    this.#turned = { group: performance.now(), fetch: performance.now() }
    this.#timer = setInterval(() => this.#look(), this.limitMs / 4)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  turn(loop: 'group' | 'fetch'): void {
    this.#turned[loop] = performance.now()
    if (loop === 'fetch') this.#restarts = 0
  }

  #look(): void {
    const now = performance.now()
    if (this.events.idle()) this.#turned.fetch = now
    if (now - this.#turned.fetch > this.limitMs) {
      this.#restarts++
      this.#turned.fetch = now
      if (this.#restarts > RESTARTS) {
        this.#giveUp('fetching')
        return
      }
      this.events.log.warn(
        { restarts: this.#restarts },
        `No fetch ended for ${this.limitMs} ms; fetching starts anew.`,
      )
      this.events.restart()
    }
    if (this.events.grouped === false) return
    if (now - this.#turned.group > this.limitMs * RESTARTS) this.#giveUp('group membership')
  }

  #giveUp(what: string): void {
    this.stop()
    this.events.giveUp(
      new Error(`The consumer's ${what} is stuck and did not come back; restart the process.`),
    )
  }
}
