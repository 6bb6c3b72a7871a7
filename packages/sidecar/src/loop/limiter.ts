/** Lets at most `limit` jobs run at once; the others wait in order. */
export class Limiter {
  #running = 0
  #closed = false
  readonly #waiting: (() => void)[] = []

  constructor(private readonly limit: number) {}

  /** After `close`, jobs that have not begun never do; their promises resolve. */
  async run(job: () => Promise<void>): Promise<void> {
    if (this.#running >= this.limit) await new Promise<void>(resolve => this.#waiting.push(resolve))
    if (this.#closed) return
    this.#running++
    try {
      await job()
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  close(): void {
    this.#closed = true
    for (const resume of this.#waiting.splice(0)) resume()
  }
}
