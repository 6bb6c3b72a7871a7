import type { Random } from '../../simulation/engine/random.js'
import type { Child } from '../site/child.js'
import type { Breather } from './breather.js'
import type { Agenda } from './plan.js'
import type { Tally } from './tally.js'

/**
 * Traffic passes what is usual within seconds; a process that is not killed so long after it was ready gives its place to one that is
 * armed otherwise.
 */
const REACHED_WITHIN_MS = 30_000
/** A machine that starts many processes at once takes its time for each of them. */
const READY_WITHIN_MS = 120_000
/** In vain one after the other: what is left cannot be reached. */
const GIVEN_UP_AFTER = 12

export interface LaneOptions {
  readonly agenda: Agenda
  readonly tally: Tally
  readonly random: Random
  /** Starts the lane's process. */
  start(failpoints: string): Child
  /** What the process says when it is ready; null: it says nothing. */
  readonly ready: string | null
  readonly breather: Breather
  /** Nothing is left to hope for: end. */
  readonly signal: AbortSignal
}

/** One place of a process: killed at one failpoint, started again and killed at another, until nothing of its role is left. */
export async function killLane(options: LaneOptions): Promise<void> {
  const { agenda, tally, signal, breather } = options
  let inVain = 0
  while (!agenda.empty && !signal.aborted) {
    if (breather.resting) {
      await rest(options)
      continue
    }
    const child = options.start(agenda.arm(options.random, inVain > 0))
    if (options.ready !== null) await child.said(options.ready, READY_WITHIN_MS).catch(() => undefined)
    const how = await within(REACHED_WITHIN_MS, child, signal, breather)
    const failpoint = how === 'SIGKILL' ? lastWord(child) : null
    if (failpoint !== null) {
      agenda.done(failpoint)
      tally.hit(failpoint)
      inVain = 0
      continue
    }
    if (how === null) {
      await child.kill('SIGKILL')
      if (breather.resting) continue
    } else tally.crashes.push(`${child.name} ended with ${how}:\n${child.log.slice(-5).join('\n')}`)
    if (++inVain >= GIVEN_UP_AFTER) agenda.giveUp()
  }
}

/** Nobody kills it until enough has ended. */
async function rest({ start, breather, tally }: LaneOptions): Promise<void> {
  const child = start('')
  while (breather.resting && child.running) await Promise.race([breather.turn(), child.ended])
  if (child.running) await child.kill('SIGKILL')
  else tally.crashes.push(`${child.name} ended with ${await child.ended}:\n${child.log.slice(-5).join('\n')}`)
}

/** Which failpoint killed it, as it said with its last breath. */
function lastWord({ log }: Child): string | null {
  const line = log.findLast(one => one.startsWith('failpoint '))
  return /^failpoint (\S+) kills this process$/.exec(line ?? '')?.[1] ?? null
}

async function within(
  ms: number,
  child: Child,
  signal: AbortSignal,
  breather: Breather,
): Promise<NodeJS.Signals | number | null> {
  let stop: () => void = () => undefined
  const late = new Promise<null>(resolve => {
    void breather.turn().then(() => resolve(null))
    const timer = setTimeout(() => resolve(null), ms)
    const onAbort = () => resolve(null)
    signal.addEventListener('abort', onAbort, { once: true })
    stop = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  })
  const how = await Promise.race([child.ended, late])
  stop()
  return how
}
