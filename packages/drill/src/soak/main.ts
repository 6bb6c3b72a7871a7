import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { FaultyProxy } from '@unwind/runtime/faulty-proxy'
import { Option } from 'commander'
import { underTraffic } from '../nemesis/faults/under-traffic.js'
import { type Check, check, show } from '../nemesis/report.js'
import type { SectionContext } from '../nemesis/section.js'
import { sleep } from '../nemesis/site/wait.js'
import { onStage } from '../nemesis/stage.js'
import { amount, anySeed, suite } from '../shell/suite.js'
import { Random } from '../simulation/engine/random.js'
import { planDeeds } from './deeds.js'
import { Nemesis } from './nemesis.js'
import { changedByRebuilding } from './views.js'

const values = suite(
  'soak',
  'Traffic, rollbacks and a random nemesis; then everything comes to rest, and the invariants are checked from the ledger and the targets. Exit 0 only if all hold.',
)
  .option('--minutes <n>', 'how long', amount, 5)
  .option('--seed <n>', 'of everything random', amount, anySeed())
  .addOption(new Option('--brokers <n>', 'how many').choices(['1', '3']).default('3'))
  .option('--state-dir <folder>', 'for data and logs', '.unwind')
  .parse()
  .opts<{ minutes: number; seed: number; brokers: string; stateDir: string }>()

const BRANCHES = 2
const IN_FLIGHT = 16
const REST_MS = 200
const SESSION_MS = 3_000
const VIEWS_COMPARED = 10
const SAY_EVERY_MS = 30_000

const lengthMs = values.minutes * 60_000
const { seed } = values
const stateDir = resolve(values.stateDir)
const dir = join(stateDir, 'soak', String(process.pid))
mkdirSync(dir, { recursive: true })
const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    console.error(`[soak] ended by ${signal}: this run proves nothing`)
    abort.abort()
    // Whoever was started goes with us: processes of sites at exit, servers by their leash.
    process.exit(130)
  })
const began = performance.now()
const clock = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`
const say = (line: string) => console.error(`[soak] ${clock()}: ${line}`)

console.log(`soak: ${values.minutes} minutes, seed ${seed}, ${values.brokers} brokers`)
let checks: readonly Check[]
try {
  checks = await soak()
} catch (error) {
  checks = [
    check(
      'soak: came to its end',
      false,
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    ),
  ]
}
rmSync(dir, { recursive: true, force: true })
for (const one of checks) console.log(show(one))
const failed = checks.filter(one => !one.ok).length
if (failed > 0) console.log(`again: npm run soak -- --minutes ${values.minutes} --seed ${seed}`)
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 && !abort.signal.aborted ? 0 : 1)

async function soak(): Promise<readonly Check[]> {
  const context: SectionContext = {
    seed,
    stateDir,
    dir,
    kills: 0,
    killsWithinMs: 0,
    pauses: 0,
    outageMs: 0,
    openRollbacks: 0,
    signal: abort.signal,
    say,
  }
  let line: FaultyProxy | undefined
  const options = {
    brokers: values.brokers === '1' ? 1 : 3,
    site: { branches: BRANCHES, sessionMs: SESSION_MS },
    endpoints: async (stack: { brokers: string[]; registryUrl: string; redisUrl: string }) => {
      line = await FaultyProxy.start(stack.brokers)
      return { brokers: line.addresses, registryUrl: stack.registryUrl, redisUrl: stack.redisUrl }
    },
  } as const
  try {
    return await onStage('soak', context, options, ({ stack, site }) => {
      const work = {
        fleet: { instances: 2, coordinators: 2 },
        traffic: { inFlight: IN_FLIGHT, restMs: REST_MS },
        mayEnd: true,
      }
      return underTraffic('soak', site, context, work, async ({ fleet, traffic, progress }) => {
        await progress(5)
        const nemesis = new Nemesis(stack, fleet, line!, say)
        const from = performance.now()
        const timer = setInterval(
          () => say(`${traffic.closed} rollbacks ended, ${traffic.open} open`),
          SAY_EVERY_MS,
        )
        for (const deed of planDeeds(lengthMs, new Random(seed, 23))) {
          if (abort.signal.aborted) break
          await sleep(Math.max(0, from + deed.at - performance.now()))
          nemesis.begin(deed)
        }
        await sleep(Math.max(0, from + lengthMs - performance.now()))
        clearInterval(timer)
        await nemesis.rest()
        const back = await progress(10)
        const ended = traffic.orders.filter(
          ({ rollbackId }) => rollbackId !== null && site.eyes.story(rollbackId)?.end,
        )
        const changed = await changedByRebuilding(
          site,
          stack.redisUrl,
          ended.slice(-VIEWS_COMPARED).map(({ order }) => order),
        )
        return [
          check(
            'soak: the nemesis was at work',
            nemesis.done > 0,
            `${nemesis.done} deeds, ${nemesis.leftOut} left out`,
          ),
          check(
            'soak: everything moves when it rests',
            true,
            `10 rollbacks in ${(back / 1_000).toFixed(1)} s`,
          ),
          check('soak: the view is what the log gives (I8)', changed.length === 0, changed.join(', ')),
        ]
      })
    })
  } finally {
    await line?.stop()
  }
}
