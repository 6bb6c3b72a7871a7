/** More records wait than the client may hold. Nothing was sent: call again later, or slow down. */
export class BackpressureError extends Error {
  override readonly name = 'BackpressureError'
  constructor(readonly maxWaiting: number) {
    super(
      `${maxWaiting} records already wait for Kafka; nothing was sent. Slow down, raise maxWaiting, or set whenFull to "wait"`,
    )
  }
}

/**
 * Bounds how many records wait for Kafka, so that an outage fills neither memory nor silence.
 * `reject`: the caller hears at once. `wait`: the caller is held back, in order of the calls.
 */
export class WaitingRoom {
  readonly #queue: (() => void)[] = []
  #onEmpty: (() => void)[] = []
  #inside = 0

  constructor(
    readonly max: number,
    readonly whenFull: 'reject' | 'wait',
  ) {}

  /** Records that wait inside; those held back at the door are not counted. */
  get inside(): number {
    return this.#inside
  }

  /** @throws BackpressureError when full and `whenFull` is "reject". */
  async enter(): Promise<void> {
    if (this.#inside < this.max) {
      this.#inside++
      return
    }
    if (this.whenFull === 'reject') throw new BackpressureError(this.max)
    // The leaver hands its place over, so a later call cannot slip in between.
    await new Promise<void>(resolve => this.#queue.push(resolve))
  }

  leave(): void {
    const next = this.#queue.shift()
    if (next) {
      next()
      return
    }
    this.#inside--
    if (this.#inside > 0) return
    for (const tell of this.#onEmpty) tell()
    this.#onEmpty = []
  }

  /** Resolves when nobody is inside and nobody is held back. */
  async empty(): Promise<void> {
    if (this.#inside > 0) await new Promise<void>(resolve => this.#onEmpty.push(resolve))
  }
}
