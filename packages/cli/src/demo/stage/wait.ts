import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../../shell/cli-error.js'

/** How the demo waits: never longer than this, and never beyond a Ctrl-C or the death of one of its processes. */
export interface Patience {
  /** Aborted with the reason why there is nothing to wait for any more. */
  readonly signal: AbortSignal
  /** Where to look when it took too long. */
  readonly hint: string
}

export const WAIT_MS = 45_000

/**
 * @param begin starts waiting and returns how to give up; it calls `done` when there is nothing to wait for any more.
 * @throws CliError when it took too long; the signal's reason when that aborts.
 */
export function waitFor<T>(
  what: string,
  { signal, hint }: Patience,
  begin: (done: (value: T) => void) => () => void,
  withinMs = WAIT_MS,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let giveUp = (): void => undefined
    const settle = (act: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      giveUp()
      act()
    }
    const onAbort = () => settle(() => reject(signal.reason))
    const timer = setTimeout(
      () => settle(() => reject(new CliError('failure', `${what}: not within ${withinMs / 1_000} s.`, hint))),
      withinMs,
    )
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    giveUp = begin(value => settle(() => resolve(value)))
  })
}

/** Asks again and again until the answer is not null; for what cannot tell by itself. An error counts as "not yet". */
export async function poll<T>(
  what: string,
  { signal, hint }: Patience,
  ask: () => Promise<T | null>,
  withinMs = WAIT_MS,
): Promise<T> {
  const deadline = Date.now() + withinMs
  let last = ''
  for (;;) {
    signal.throwIfAborted()
    try {
      const answer = await ask()
      if (answer !== null) return answer
    } catch (error) {
      last = ` (${(error as Error).message})`
    }
    if (Date.now() > deadline)
      throw new CliError('failure', `${what}: not within ${withinMs / 1_000} s${last}.`, hint)
    await sleep(50)
  }
}
