/** Thrown when something that should have answered did not; the connection it used is not to be trusted any more. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
}

/** @throws DeadlineExceeded after `ms`; the promise itself is left to its own end. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceeded(`${what} had no answer within ${ms} ms.`)), ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits `ms`, or less when the signal aborts; never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}

/** Waits that double from `first` to `cap`, so that an outage of any length costs at most `cap` after its end. */
export class Backoff {
  #next: number
  constructor(
    readonly first = 50,
    readonly cap = 1_000,
  ) {
    this.#next = first
  }

  reset(): void {
    this.#next = this.first
  }

  async wait(signal?: AbortSignal): Promise<void> {
    const ms = this.#next
    this.#next = Math.min(this.cap, ms * 2)
    await pause(ms, signal)
  }
}
