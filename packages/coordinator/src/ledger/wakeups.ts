import { type Cancel, systemTimers, type Timers } from '@unwind/runtime'

/** Moments at which somebody wants to be asked again: one timer for all, the earliest first. */
export class Wakeups<Key> {
  /** A binary heap by moment. */
  readonly #heap: { readonly at: number; readonly key: Key }[] = []
  /** The moment that counts for each key; older entries in the heap are passed over. */
  readonly #due = new Map<Key, number>()
  #cancel: Cancel = () => {}

  constructor(
    private readonly now: () => number,
    private readonly onDue: (key: Key) => void,
    private readonly timers: Timers = systemTimers,
  ) {}

  /** Asks again at this moment, epoch ms, unless it is to be asked before that in any case. */
  at(key: Key, at: number): void {
    const known = this.#due.get(key)
    if (known !== undefined && known <= at) return
    this.#due.set(key, at)
    this.#push({ at, key })
    if (this.#heap[0]!.key === key) this.#arm()
  }

  forget(key: Key): void {
    this.#due.delete(key)
  }

  get size(): number {
    return this.#due.size
  }

  stop(): void {
    this.#cancel()
    this.#heap.length = 0
    this.#due.clear()
  }

  #arm(): void {
    this.#cancel()
    const first = this.#heap[0]
    if (!first) return
    this.#cancel = this.timers.after(Math.max(0, first.at - this.now()), () => this.#fire())
  }

  #fire(): void {
    const now = this.now()
    for (let first = this.#heap[0]; first && first.at <= now; first = this.#heap[0]) {
      this.#pop()
      if (this.#due.get(first.key) !== first.at) continue
      this.#due.delete(first.key)
      this.onDue(first.key)
    }
    this.#arm()
  }

  #push(item: { at: number; key: Key }): void {
    const heap = this.#heap
    let i = heap.push(item) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (heap[parent]!.at <= item.at) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = item
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++
      if (heap[child]!.at >= last.at) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}
