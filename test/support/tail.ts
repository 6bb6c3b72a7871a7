import { WITHIN_MS } from './patience.js'

/** A list that grows, and whoever waits for what will be in it: a condition instead of a sleep. */
export class Tail<T> {
  readonly items: T[] = []
  readonly #checks = new Set<() => void>()

  constructor(
    private readonly name: string,
    private readonly show: (item: T) => string,
  ) {}

  push(item: T): void {
    this.items.push(item)
    for (const check of [...this.#checks]) check()
  }

  /** Resolves with all items as soon as `holds` says so; a failure shows what came instead. */
  until(what: string, holds: (items: readonly T[]) => boolean, timeoutMs = WITHIN_MS): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!holds(this.items)) return
        this.#checks.delete(check)
        clearTimeout(timer)
        resolve(this.items)
      }
      const timer = setTimeout(() => {
        this.#checks.delete(check)
        const seen = this.items.map(this.show).join('\n  ')
        reject(new Error(`waited ${timeoutMs} ms for: ${what}. ${this.name} has:\n  ${seen || '(nothing)'}`))
      }, timeoutMs)
      this.#checks.add(check)
      check()
    })
  }

  /** Resolves with the first item that matches. */
  async first(what: string, matches: (item: T) => boolean, timeoutMs?: number): Promise<T> {
    const items = await this.until(what, all => all.some(matches), timeoutMs)
    return items.find(matches)!
  }
}
