import type { Timers } from '@unwind/runtime'
import type { Clockwork, Owner } from '../engine/clockwork.js'

/** One run of a simulated process: it can stand still and wake up again, it can die, and its clock may be wrong. */
export class Process implements Owner {
  alive = true
  pausedUntil = 0
  /** Callbacks of `every` fire only after something else happened: an idle process costs nothing. */
  #idle: (() => void)[] = []

  /** @param skew what its wall clock is ahead, ms. */
  constructor(
    readonly name: string,
    private readonly clock: Clockwork,
    readonly skew: number,
  ) {}

  get paused(): boolean {
    return this.alive && this.pausedUntil > this.clock.now
  }

  /** Epoch ms by its own clock. */
  readonly now = (): number => this.clock.now + this.skew

  /** For good: nothing of it happens any more. */
  die(): void {
    this.alive = false
    this.#idle = []
  }

  /** Stands still for so long, ms; what would happen meanwhile happens at its end. */
  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.clock.now + ms)
  }

  /** Runs in this process, if it still lives then. */
  later(ms: number, run: () => void): void {
    this.clock.of(this, this.clock.now + ms, run)
  }

  /** The same for what settles no promise. */
  quietly(ms: number, run: () => void): void {
    this.clock.quietlyOf(this, this.clock.now + ms, run)
  }

  /** An answer that this process gets after so long; never, if it dies before. A throw is a rejection. */
  answer<T>(ms: number, give: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.later(ms, () => {
        try {
          resolve(give())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  readonly timers: Timers = {
    after: (ms, run) => this.clock.cancellable(this, this.clock.now + Math.max(0, ms), run),
    every: (ms, run) => this.#every(ms, run),
    elapsed: () => this.clock.now,
    giveWay: () => this.answer(0, () => undefined),
  }

  #every(ms: number, run: () => void): () => void {
    let stopped = false
    const begin = () => this.clock.quietly(this.clock.now + ms, fire)
    const fire = () => {
      if (stopped || !this.alive) return
      if (this.paused) return begin()
      run()
      this.#idle.push(begin)
    }
    this.#idle.push(begin)
    return () => {
      stopped = true
    }
  }

  stir(): void {
    if (this.#idle.length === 0) return
    const idle = this.#idle
    this.#idle = []
    for (const begin of idle) begin()
  }
}
