import type { Cancel } from '@unwind/runtime'

/** Whoever may stand still or die before its moment comes. */
export interface Owner {
  readonly alive: boolean
  /** Epoch ms until which it stands still; in the past: it runs. */
  readonly pausedUntil: number
  /** Something of it has happened. */
  stir(): void
}

/** One thing that is to happen. A field each, and no closure: a history has hundreds of them. */
class Due {
  constructor(
    readonly at: number,
    readonly turn: number,
    /** Nothing waits for it but what is put here again: no promise goes on because of it. */
    readonly quiet: boolean,
    readonly owner: Owner | null,
    public run: (() => void) | null,
  ) {}
}

/** Why a run ended: nothing is left; the caller had seen enough; more steps than it allowed. */
export type Ended = 'rest' | 'stopped' | 'too-long'

const DRAINED = Promise.resolve()

/** Simulated time: nothing happens but what is put here, one thing after the other, the earliest first. */
export class Clockwork {
  readonly #heap: Due[] = []
  #turn = 0

  /** @param now epoch ms at which the history begins. */
  constructor(public now: number) {}

  /** Things of one moment happen in the order in which they were asked for. */
  at(moment: number, run: () => void): void {
    this.#put(moment, false, null, run)
  }

  /** The same for what settles no promise: much cheaper. */
  quietly(moment: number, run: () => void): void {
    this.#put(moment, true, null, run)
  }

  /** At this moment, in this process: when it goes on if it stands still by then, and never if it is dead. */
  of(owner: Owner, moment: number, run: () => void): void {
    this.#put(moment, false, owner, run)
  }

  /** The same for what settles no promise. */
  quietlyOf(owner: Owner, moment: number, run: () => void): void {
    this.#put(moment, true, owner, run)
  }

  /** In this process, and can be taken back. */
  cancellable(owner: Owner, moment: number, run: () => void): Cancel {
    const handle: { due: (() => void) | null } = { due: run }
    this.#put(moment, false, owner, () => handle.due?.())
    return () => {
      handle.due = null
    }
  }

  /**
   * Lets one thing after the other happen, each with everything that follows from it at once.
   * @param enough asked after each.
   */
  run(most: number, enough: () => boolean): Promise<Ended> {
    return new Promise((resolve, reject) => {
      let left = most
      const next = () => {
        try {
          if (enough()) return resolve('stopped')
          if (left-- <= 0) return resolve('too-long')
          if (!this.#step()) return resolve('rest')
        } catch (error) {
          return reject(error)
        }
        void DRAINED.then(settle)
      }
      // A tick comes when the queue of microtasks is empty, so every promise that can go on has gone on by then; unlike
      // a turn of the event loop it costs next to nothing.
      const settle = () => process.nextTick(next)
      settle()
    })
  }

  /** @returns false when nothing is left. */
  #step(): boolean {
    for (;;) {
      const due = this.#pop()
      if (!due) return false
      const { run, owner } = due
      if (run === null || owner?.alive === false) continue
      this.now = due.at
      if (owner === null) run()
      else {
        if (owner.pausedUntil > this.now) {
          this.#put(owner.pausedUntil, due.quiet, owner, run)
          continue
        }
        run()
        owner.stir()
      }
      if (!due.quiet) return true
    }
  }

  #put(moment: number, quiet: boolean, owner: Owner | null, run: () => void): void {
    this.#push(new Due(Math.max(moment, this.now), this.#turn++, quiet, owner, run))
  }

  #push(item: Due): void {
    const heap = this.#heap
    let i = heap.push(item) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(item, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = item
  }

  #pop(): Due | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return first
  }
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.turn < b.turn)
}
