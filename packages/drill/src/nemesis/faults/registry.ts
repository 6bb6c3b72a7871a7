import { check } from '../report.js'
import type { Section } from '../section.js'
import { sleep } from '../site/wait.js'
import { onStage } from '../stage.js'
import { underTraffic } from './under-traffic.js'

const AWAY_MS = 10_000

/** The registry is away: what runs goes on with the schemas that it knows, and nothing is called poison. */
export const registry: Section = {
  name: 'registry',
  about: 'the schema registry killed and started again',
  run: context =>
    onStage('registry', context, { site: { branches: 2 } }, ({ stack, site }) =>
      underTraffic('registry', site, context, { mayEnd: true }, async ({ progress, fleet }) => {
        await progress(10)
        await stack.server('registry').kill()
        const without = await progress(20)
        // Who is started now has to wait for it.
        const place = fleet.sidecars[0]!
        await place.child.kill()
        await sleep(AWAY_MS)
        await stack.server('registry').start()
        const back = await progress(20)
        return [
          check(
            'registry: work goes on without it',
            true,
            `20 rollbacks in ${(without / 1_000).toFixed(1)} s`,
          ),
          check(
            'registry: a process that was started without it works',
            true,
            `after ${(back / 1_000).toFixed(1)} s`,
          ),
        ]
      }),
    ),
}
