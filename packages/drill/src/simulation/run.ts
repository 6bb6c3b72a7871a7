import { runHistory } from './history.js'
import type { Done, Failure, Job } from './pool/messages.js'
import { generate } from './scenario/generate.js'
import type { FaultKind } from './scenario/kinds.js'

/**
 * Runs histories of consecutive seeds in this process, one after the other.
 * @param begins told of each seed before it is run.
 */
export async function runHistories(
  { seed: first, histories, most }: Job,
  begins: (seed: number) => void = () => {},
): Promise<Done> {
  const before = process.cpuUsage()
  const injected = new Map<FaultKind, number>()
  const failures: Failure[] = []
  let events = 0
  let done = 0
  for (; done < histories && failures.length < most; done++) {
    const seed = first + done
    begins(seed)
    const history = await runHistory(generate(seed))
    events += history.events
    for (const [kind, times] of history.injected) injected.set(kind, (injected.get(kind) ?? 0) + times)
    if (history.violation) failures.push({ seed, violation: history.violation })
  }
  const { user, system } = process.cpuUsage(before)
  return {
    seed: first,
    histories: done,
    events,
    injected: [...injected],
    failures,
    cpuSeconds: (user + system) / 1e6,
    spent: false,
  }
}
