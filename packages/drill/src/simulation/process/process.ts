import type { Cancel, Timers } from '@unwind/runtime'
import type { Clockwork } from '../engine/clockwork.js'

/** One run of a process. Once it is dead, nothing of it happens any more. */
interface Life {
  alive: boolean
}

/** What a simulated process runs in: it can die, stand still and wake up again, and its clock may be wrong. */
export class Process {
  #life: Life = { alive: false }
  #pausedUntil = 0
  /** Callbacks of `every` that fire only after something else happened: an idle process costs nothing. */
  #idle: (() => void)[] = []
  /** What its wall clock is ahead, ms. */
  skew = 0

  constructor(
    readonly name: string,
    private readonly clock: Clockwork,
  ) {}

  get alive(): boolean {
    return this.#life.alive
  }

  get paused(): boolean {
    return this.alive && this.#pausedUntil > this.clock.now
  }

  /** Epoch ms by its own clock. */
  readonly now = (): number => this.clock.now + this.skew

  begin(): void {
    this.#life = { alive: true }
    this.#pausedUntil = 0
    this.#idle = []
  }

  die(): void {
    this.#life.alive = false
    this.#idle = []
  }

  /** Stands still for so long, ms; what would happen meanwhile happens at its end. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.clock.now + ms)
  }

  /** Runs in this process, if this life of it still lasts then. */
  later(ms: number, run: () => void): Cancel {
    const life = this.#life
    let cancel: Cancel = () => {}
    const fire = () => {
      if (!life.alive) return
      if (this.#pausedUntil > this.clock.now) cancel = this.clock.at(this.#pausedUntil, fire)
      else {
        run()
        this.#stir()
      }
    }
    cancel = this.clock.at(this.clock.now + ms, fire)
    return () => cancel()
  }

  /** A promise that this process gets an answer to, after so long; never, if it dies before. */
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
    after: (ms, run) => this.later(Math.max(0, ms), run),
    every: (ms, run) => {
      let stopped = false
      const arm = () => {
        if (stopped) return
        this.#idle.push(() => void this.later(ms, fire))
      }
      const fire = () => {
        if (stopped) return
        run()
        arm()
      }
      arm()
      return () => {
        stopped = true
      }
    },
    elapsed: () => this.clock.now,
  }

  #stir(): void {
    if (this.#idle.length === 0) return
    for (const begin of this.#idle.splice(0)) begin()
  }
}
