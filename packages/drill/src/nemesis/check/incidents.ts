/** What a channel that goes by a de-duplication key makes of what it is told: a trigger of what is open is the same incident. */
export class Incidents {
  readonly #byKey = new Map<string, { opened: number; state: 'open' | 'acknowledged' | 'resolved' }>()
  readonly #ids = new Set<string>()
  readonly #trails = new Map<string, string[]>()
  /** Everything that came. */
  calls = 0
  triggers = 0
  /** Calls with an ID that had come before. */
  repeats = 0

  /** @param id of the message, where it has one. @returns why it is no message; null: it was taken. */
  take(key: string, action: string, id: string | null): string | null {
    if (action !== 'trigger' && action !== 'acknowledge' && action !== 'resolve')
      return `no such action: "${action}"`
    this.calls++
    const trail = this.#trails.get(key) ?? []
    trail.push(`${new Date().toISOString().slice(14, 23)} ${action}`)
    this.#trails.set(key, trail)
    if (id !== null && this.#ids.has(id)) {
      this.repeats++
      return null
    }
    if (id !== null) this.#ids.add(id)
    const known = this.#byKey.get(key)
    if (action === 'trigger') {
      this.triggers++
      if (known === undefined) this.#byKey.set(key, { opened: 1, state: 'open' })
      else if (known.state === 'resolved') Object.assign(known, { opened: known.opened + 1, state: 'open' })
    } else if (known !== undefined && known.state !== 'resolved')
      known.state = action === 'resolve' ? 'resolved' : 'acknowledged'
    return null
  }

  /** What came under a key, in its order. */
  trailOf(key: string): string {
    return (this.#trails.get(key) ?? []).join(', ')
  }

  /** By key: how often an incident was opened. */
  get opened(): ReadonlyMap<string, number> {
    return new Map([...this.#byKey].map(([key, { opened }]) => [key, opened]))
  }

  /** Keys of incidents that nobody has resolved. */
  get open(): readonly string[] {
    return [...this.#byKey].filter(([, { state }]) => state !== 'resolved').map(([key]) => key)
  }
}
