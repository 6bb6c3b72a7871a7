/** Figures of a run: rate over the whole, and the latency of each. */
export interface RunFigures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** In ascending order, ms. */
  readonly latencies: readonly number[]
}

/** The latency that a share of them stays below, ms. @param sorted ascending, not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/**
 * Starts `count` jobs with at most `inFlight` open at a time. A job starts with `begin(i)` and is over when the caller's
 * listener says so through `done(i)`.
 */
export class Window {
  readonly #began = new Map<number, number>()
  readonly #latencies: number[] = []
  #next = 0
  #startedAt = 0
  #resolve: ((figures: RunFigures) => void) | undefined

  constructor(
    private readonly count: number,
    private readonly inFlight: number,
    private readonly begin: (index: number) => void,
  ) {}

  run(timeoutMs: number): Promise<RunFigures> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Error(
            `${this.#latencies.length} of ${this.count} done after ${timeoutMs} ms; open: ${[...this.#began.keys()].slice(0, 5)}`,
          ),
        )
      }, timeoutMs)
      this.#resolve = figures => {
        clearTimeout(timer)
        resolve(figures)
      }
      this.#startedAt = performance.now()
      for (let i = 0; i < Math.min(this.inFlight, this.count); i++) this.#beginNext()
    })
  }

  done(index: number): void {
    const began = this.#began.get(index)
    if (began === undefined) return
    this.#began.delete(index)
    this.#latencies.push(performance.now() - began)
    if (this.#next < this.count) this.#beginNext()
    else if (this.#began.size === 0) this.#resolve?.(this.#figures())
  }

  #beginNext(): void {
    const index = this.#next++
    this.#began.set(index, performance.now())
    this.begin(index)
  }

  #figures(): RunFigures {
    const latencies = this.#latencies.toSorted((a, b) => a - b)
    return {
      perSecond: (this.count * 1_000) / (performance.now() - this.#startedAt),
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      latencies,
    }
  }
}
