import { pause, RegistryUnavailable, systemTimers, type Timers } from '@unwind/runtime'
import { ViewUnavailable } from '../view/connection.js'

const ASK_AGAIN_MS = 200

/**
 * Asks again while what it needs is away, for so long; then gives up with the last reason. A restart of Redis is no
 * reason to wake a person.
 * @param withinMs milliseconds.
 */
export async function patiently<T>(
  withinMs: number,
  now: () => number,
  ask: () => Promise<T>,
  timers: Timers = systemTimers,
): Promise<T> {
  const deadline = now() + withinMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const passing = error instanceof ViewUnavailable || error instanceof RegistryUnavailable
      if (!passing || now() >= deadline) throw error
      await pause(timers, ASK_AGAIN_MS)
    }
  }
}
