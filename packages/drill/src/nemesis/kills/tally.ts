/** Kills by failpoint. */
export class Tally {
  readonly #done = new Map<string, number>()
  /** Processes that ended by themselves, with their last words: a defect, whatever else is right. */
  readonly crashes: string[] = []

  constructor(
    readonly failpoints: readonly string[],
    readonly wanted: number,
  ) {}

  hit(failpoint: string): void {
    this.#done.set(failpoint, this.done(failpoint) + 1)
  }

  done(failpoint: string): number {
    return this.#done.get(failpoint) ?? 0
  }

  get kills(): number {
    return [...this.#done.values()].reduce((sum, n) => sum + n, 0)
  }

  /** A line for each failpoint. */
  table(): string {
    const width = Math.max(...this.failpoints.map(name => name.length))
    const line = (name: string) => {
      const done = this.done(name)
      const verdict = done >= this.wanted ? 'ok' : 'NOT REACHED so often'
      return `  ${name.padEnd(width)}  ${String(done).padStart(4)} kills  ${verdict}`
    }
    return [...this.failpoints].sort().map(line).join('\n')
  }

  get complete(): readonly string[] {
    return this.failpoints.filter(name => this.done(name) >= this.wanted)
  }
}
