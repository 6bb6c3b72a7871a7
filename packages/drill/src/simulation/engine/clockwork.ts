import type { Cancel } from '@unwind/runtime'

interface Due {
  readonly at: number
  readonly turn: number
  /** Nothing waits for it but what is put here again: no promise goes on because of it. */
  readonly quiet: boolean
  run: (() => void) | null
}

/** Simulated time: nothing happens but what is put here, one thing after the other, the earliest first. */
export class Clockwork {
  readonly #heap: Due[] = []
  #turn = 0

  /** @param now epoch ms at which the history begins. */
  constructor(public now: number) {}

  /** Things of one moment happen in the order in which they were asked for. */
  at(moment: number, run: () => void): Cancel {
    return this.#put(moment, run, false)
  }

  /** The same for what settles no promise: half of all that happens, and much cheaper. */
  quietly(moment: number, run: () => void): Cancel {
    return this.#put(moment, run, true)
  }

  #put(moment: number, run: () => void, quiet: boolean): Cancel {
    const due: Due = { at: Math.max(this.now, moment), turn: this.#turn++, quiet, run }
    this.#push(due)
    return () => {
      due.run = null
    }
  }

  /**
   * Lets the next thing happen, with everything that follows from it at once.
   * @returns false when nothing is left.
   */
  async step(): Promise<boolean> {
    for (;;) {
      const due = this.#pop()
      if (!due) return false
      if (due.run === null) continue
      this.now = due.at
      const { run } = due
      due.run = null
      run()
      if (due.quiet) continue
      await settled()
      return true
    }
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

/** Resolves when every promise that can go on has gone on: the queue of microtasks is empty then. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
