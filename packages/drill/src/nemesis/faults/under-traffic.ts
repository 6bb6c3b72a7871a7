import { type Check, check, promises } from '../report.js'
import type { SectionContext } from '../section.js'
import { Fleet, type FleetOptions } from '../site/fleet.js'
import type { Site } from '../site/site.js'
import { waitFor } from '../site/wait.js'
import { Traffic, type TrafficOptions } from '../traffic/traffic.js'

const SETTLED_WITHIN_MS = 120_000
const MOVES_WITHIN_MS = 60_000

export interface UnderTrafficOptions {
  readonly fleet?: FleetOptions
  readonly traffic?: Partial<TrafficOptions>
  /** Processes are killed, or give up as they are meant to, and are started again. Default: none may end. */
  readonly mayEnd?: boolean
}

export interface UnderTraffic {
  readonly traffic: Traffic
  readonly fleet: Fleet
  /** Resolves when so many more rollbacks have ended; the milliseconds that it took. */
  progress(rollbacks: number, withinMs?: number): Promise<number>
}

/**
 * A whole company at work while something is done to it: orders fail and are rolled back before, during and after. At the end all of it
 * comes to rest and the targets' tables are counted.
 */
export async function underTraffic(
  name: string,
  site: Site,
  context: SectionContext,
  options: UnderTrafficOptions,
  fault: (work: UnderTraffic) => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  const fleet = await Fleet.start(site, options.fleet)
  // What could not start on a busy machine and was started again is no matter of the fault.
  for (const place of fleet.places) place.ends.length = 0
  const traffic = new Traffic(site, { seed: context.seed, inFlight: 12, restMs: 100, ...options.traffic })
  try {
    traffic.start()
    const progress = async (rollbacks: number, withinMs = MOVES_WITHIN_MS) => {
      const [began, before] = [performance.now(), traffic.closed]
      const state = () => `${traffic.closed - before} ended, ${traffic.open} are open`
      await waitFor(
        `${rollbacks} more rollbacks to end`,
        () => traffic.closed >= before + rollbacks,
        withinMs,
        state,
      )
      return performance.now() - began
    }
    const checks = await fault({ traffic, fleet, progress })
    await traffic.finish(SETTLED_WITHIN_MS)
    const violations = await traffic.verdict(SETTLED_WITHIN_MS)
    if (violations.length > 0) context.say(lastWords(fleet))
    const ended = fleet.places.flatMap(place =>
      place.ends.map(({ how, words }) => `${place.name} ${how}: ${words.at(-1) ?? ''}`),
    )
    return [
      ...checks,
      ...(options.mayEnd
        ? []
        : [check(`${name}: no process ended by itself`, ended.length === 0, ended.join('\n'))]),
      ...promises(name, violations, traffic.closed),
    ]
  } catch (error) {
    context.say(lastWords(fleet))
    return [check(`${name}: came to its end`, false, error instanceof Error ? error.message : String(error))]
  } finally {
    traffic.stop()
    await fleet.stop()
  }
}

function lastWords(fleet: Fleet): string {
  return fleet.places
    .map(({ name, ends, child }) => {
      const endings = ends.map(({ how, words }) => `  ended with ${how}: ${words.at(-1) ?? ''}`)
      return [`${name}:`, ...endings.slice(-2), ...child.log.slice(-4).map(line => `  ${line}`)].join('\n')
    })
    .join('\n')
}
