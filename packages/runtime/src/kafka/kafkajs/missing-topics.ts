/** Brokers may not know a topic for a moment after a restart. */
const GRACE_MS = 10_000

/** A topic that stays unknown while brokers answer was deleted: saying nothing would look like an empty log (I1). */
export class MissingTopics {
  readonly #since = new Map<string, number>()

  /** @returns a topic that has been unknown for longer than a restart explains; null: none. */
  look(
    topics: ReadonlySet<string>,
    isKnown: (topic: string) => boolean,
    now = performance.now(),
  ): string | null {
    for (const topic of topics) {
      const since = this.#since.get(topic)
      if (isKnown(topic)) this.#since.delete(topic)
      else if (since === undefined) this.#since.set(topic, now)
      else if (now - since > GRACE_MS) return topic
    }
    return null
  }
}
