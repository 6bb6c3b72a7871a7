import { readFileSync } from 'node:fs'

const EVERY_MS = 5

/** Memory of this process and of others, looked at every few milliseconds: the most that they held above what they held at first. */
export class PeakMemory {
  readonly #timer: NodeJS.Timeout
  readonly #first: ReadonlyMap<number, number>
  readonly #most = new Map<number, number>()

  private constructor(
    private readonly self: number,
    private readonly pids: readonly number[],
  ) {
    this.#first = new Map(pids.map(pid => [pid, anonymousBytes(pid)]))
    this.#look()
    this.#timer = setInterval(() => this.#look(), EVERY_MS)
  }

  static begin(self: number, others: readonly number[]): PeakMemory {
    return new PeakMemory(self, [self, ...others])
  }

  /** @returns growth in bytes; of the others the largest. */
  end(): { readonly ours: number; readonly others: number } {
    this.#look()
    clearInterval(this.#timer)
    const grown = (pid: number) => Math.max(0, (this.#most.get(pid) ?? 0) - (this.#first.get(pid) ?? 0))
    const others = this.pids.filter(pid => pid !== this.self)
    return { ours: grown(this.self), others: Math.max(0, ...others.map(grown)) }
  }

  #look(): void {
    for (const pid of this.pids) this.#most.set(pid, Math.max(this.#most.get(pid) ?? 0, anonymousBytes(pid)))
  }
}

/** Memory of its own, without pages that are shared (a database's buffers); 0 where the system does not tell. */
function anonymousBytes(pid: number): number {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}
