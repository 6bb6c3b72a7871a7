import { type Check, check, promises } from '../report.js'
import type { Section } from '../section.js'
import { onStage } from '../stage.js'
import { failpointsOfSite } from './plan.js'
import { runKills } from './run.js'

/** Each has two processes of its own: with more of them than the cores can start, most of the time goes into starting. */
const BRANCHES = 2
const IN_FLIGHT = 24
const COORDINATORS = 2
/** When only a few are still killed, the others would fill the ledger faster than those can read it at their next start. */
const ORDERS_PER_SECOND = 4

/** SIGKILL at every named failpoint of every process, with rollbacks in flight. */
export const kills: Section = {
  name: 'kills',
  about: 'SIGKILL at each named failpoint of every process (--kills, --failpoints)',
  async run(context): Promise<readonly Check[]> {
    const { kills: wanted, seed, say, killsWithinMs } = context
    const failpoints = failpointsOfSite().filter(name => name.includes(context.failpoints ?? ''))
    say(`${failpoints.length} failpoints × ${wanted} kills, seed ${seed}`)
    return onStage('kills', context, { site: { branches: BRANCHES } }, async ({ site }) => {
      const { tally, violations, rollbacks } = await runKills({
        site,
        failpoints,
        kills: wanted,
        seed,
        inFlight: IN_FLIGHT,
        ordersPerSecond: ORDERS_PER_SECOND,
        coordinators: COORDINATORS,
        withinMs: killsWithinMs,
        say,
      })
      console.log(tally.table())
      return [
        check(
          'kills: every failpoint was reached',
          tally.complete.length === failpoints.length,
          `${tally.kills} kills at ${tally.complete.length} of ${failpoints.length} failpoints, ${rollbacks} rollbacks`,
        ),
        check('kills: no process ended by itself', tally.crashes.length === 0, tally.crashes.join('\n')),
        ...promises('kills', violations, rollbacks),
      ]
    })
  },
}
