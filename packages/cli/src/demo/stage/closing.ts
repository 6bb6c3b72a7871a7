/** What was opened, to be let go in reverse order, whatever happened in between. */
export class Closing {
  readonly #open: { readonly what: string; readonly close: () => unknown }[] = []

  /**
   * @param what for the message when it does not close.
   * @param close what it returns is awaited.
   */
  add(what: string, close: () => unknown): void {
    this.#open.push({ what, close })
  }

  /** Closes all of it, also when some fail. @returns what did not close, for people. */
  async close(): Promise<readonly string[]> {
    const problems: string[] = []
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      try {
        await next.close()
      } catch (error) {
        problems.push(`${next.what} did not stop cleanly: ${(error as Error).message}`)
      }
    }
    return problems
  }
}
