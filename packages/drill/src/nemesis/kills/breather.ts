/** So long nothing ended: the same few processes die at their first steps again and again. */
const STALLED_AFTER_MS = 15_000
const LOOK_MS = 500

/**
 * Lets the work move on. Where every process is killed before it gets anything done, what is open grows, each start has more to read, and
 * the failpoints behind that are never reached. Then nobody is armed until so many rollbacks have ended.
 */
export class Breather {
  readonly #timer: NodeJS.Timeout
  #waiting: (() => void)[] = []
  #ended: number
  #movedAt = performance.now()
  /** Until so many have ended; null: killing goes on. */
  #until: number | null = null

  /** @param ended rollbacks that have ended so far. @param relief so many more end a rest. */
  constructor(
    private readonly ended: () => number,
    private readonly relief: number,
  ) {
    this.#ended = ended()
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_MS).unref()
  }

  get resting(): boolean {
    return this.#until !== null
  }

  /** Resolves when it is not as now: a rest begins, or is over. */
  turn(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#turn(null)
  }

  #look(now: number): void {
    const ended = this.ended()
    if (ended !== this.#ended) this.#movedAt = now
    this.#ended = ended
    if (this.#until !== null) {
      if (ended >= this.#until) this.#turn(null)
      return
    }
    if (now - this.#movedAt >= STALLED_AFTER_MS) this.#turn(ended + this.relief)
  }

  #turn(until: number | null): void {
    this.#until = until
    this.#movedAt = performance.now()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
