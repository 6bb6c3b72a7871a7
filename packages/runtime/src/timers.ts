/** Takes a callback back that has not been called yet; afterwards it does nothing. */
export type Cancel = () => void

/**
 * The clockwork of the loops. One seam, so that a simulator can run the very loops of production on a clock of its own;
 * wall-clock time, which events carry, is each loop's `now`.
 */
export interface Timers {
  /** Calls back once, after so many milliseconds; what is longer than a timer can be calls back early. */
  after(ms: number, run: () => void): Cancel
  /** Calls back again and again, so many milliseconds apart. */
  every(ms: number, run: () => void): Cancel
  /** Monotonic, milliseconds. */
  elapsed(): number
  /** Lets everything else that is due have its turn: timers, heartbeats, answers. */
  giveWay(): Promise<void>
}

/** setTimeout takes at most 2^31 - 1 ms and calls back at once above it. */
const LONGEST_MS = 2_147_483_647

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, Math.min(LONGEST_MS, Math.max(0, ms)))
    return () => clearTimeout(timer)
  },
  every(ms, run) {
    const timer = setInterval(run, ms)
    return () => clearInterval(timer)
  },
  elapsed: () => performance.now(),
  giveWay: () => new Promise(resolve => setImmediate(resolve)),
}

/** Resolves after so many milliseconds. */
export function pause(timers: Timers, ms: number): Promise<void> {
  return new Promise(resolve => void timers.after(ms, resolve))
}
