import { type Check, check } from '../report.js'
import type { Section } from '../section.js'
import { sleep } from '../site/wait.js'
import { onStage } from '../stage.js'
import { underTraffic } from './under-traffic.js'

const ROUNDS = 2
const AWAY_MS = 5_000
/** With one of three brokers away two replicas are in sync, so work goes on once its partitions have found another leader. */
const GOES_ON_WITHIN_MS = 30_000

/** Three brokers, killed one after the other. */
export const brokers: Section = {
  name: 'brokers',
  about: 'three brokers killed in rotation, under traffic',
  run: context =>
    onStage('brokers', context, { brokers: 3, site: { branches: 2, sessionMs: 3_000 } }, ({ stack, site }) =>
      underTraffic('brokers', site, context, {}, async ({ progress }) => {
        const checks: Check[] = []
        await progress(10)
        for (let round = 1; round <= ROUNDS; round++)
          for (const node of stack.nodes) {
            await node.kill()
            const ms = await progress(10, GOES_ON_WITHIN_MS)
            await sleep(Math.max(0, AWAY_MS - ms))
            await node.start()
            const name = `brokers: round ${round}, work goes on without broker ${node.id}`
            checks.push(check(name, true, `10 rollbacks ended within ${(ms / 1_000).toFixed(1)} s`))
          }
        await progress(10)
        return checks
      }),
    ),
}
