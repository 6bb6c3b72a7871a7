import type { CapturedAction, CaptureSource } from '@unwind/sidecar'
import type { Process } from '../process/process.js'
import { toCaptured } from './sql-adapter.js'
import type { Target } from './target.js'

/** The target's undo log: one process at a time reads it, and moves its cursor when all is in the topic. */
export class Capture {
  #holder: Process | null = null
  #held = false
  readonly #waiting: { readonly process: Process; readonly go: () => void }[] = []

  constructor(private readonly target: Target) {}

  /** Somebody wrote. */
  stirred(): void {
    if (!this.#held) this.#wake()
  }

  /** Holds everything back: the relay is slow. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#wake()
  }

  /** The lease of a process that died ends. */
  lost(process: Process): void {
    if (this.#holder === process) this.#holder = null
    this.#wake()
  }

  source(process: Process): CaptureSource {
    return {
      next: limit => this.#next(process, limit),
      published: async last => {
        this.target.relayed = Math.max(this.target.relayed, Number(last.cursor) + 1)
      },
    }
  }

  #next(process: Process, limit: number): Promise<readonly CapturedAction[]> {
    return new Promise(resolve => {
      const go = () => {
        if (!process.alive) return
        const { log, relayed } = this.target
        const mine = this.#holder === null || this.#holder === process || !this.#holder.alive
        if (!mine || this.#held || relayed >= log.length) {
          this.#waiting.push({ process, go })
          return
        }
        this.#holder = process
        const actions = log.slice(relayed, relayed + limit).map((w, i) => toCaptured(w, relayed + i))
        resolve(actions)
      }
      process.later(1, go)
    })
  }

  #wake(): void {
    for (const { process, go } of this.#waiting.splice(0)) process.later(1, go)
  }
}
