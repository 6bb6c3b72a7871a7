import { Redis } from 'ioredis'
import { check } from '../report.js'
import type { Section } from '../section.js'
import { sleep } from '../site/wait.js'
import { onStage } from '../stage.js'
import { underTraffic } from './under-traffic.js'

const FLUSHES = 8
const FLUSH_EVERY_MS = 700
const AWAY_MS = 5_000
const PLANS_AGAIN_WITHIN_MS = 15_000

/** The view is wiped and goes away: it is a view, so nothing is lost with it. */
export const redis: Section = {
  name: 'redis',
  about: 'FLUSHALL again and again, then Redis killed and started empty',
  run: context =>
    onStage('redis', context, { site: { branches: 2 } }, ({ stack, site }) =>
      underTraffic('redis', site, context, {}, async ({ progress }) => {
        await progress(10)
        const client = new Redis(stack.redisUrl)
        // It is killed below; the errors that follow are the point.
        client.on('error', () => undefined)
        for (let n = 0; n < FLUSHES; n++) {
          await client.flushall()
          await sleep(FLUSH_EVERY_MS)
        }
        const flushed = await progress(20)
        await stack.server('redis').kill()
        await sleep(AWAY_MS)
        await stack.server('redis').start()
        client.disconnect()
        const back = await progress(20)
        return [
          check(
            'redis: work goes on over flushes',
            true,
            `20 rollbacks in ${(flushed / 1_000).toFixed(1)} s after ${FLUSHES} of them`,
          ),
          check(
            'redis: planning goes on when it is back',
            back < PLANS_AGAIN_WITHIN_MS,
            `20 rollbacks in ${(back / 1_000).toFixed(1)} s`,
          ),
        ]
      }),
    ),
}
