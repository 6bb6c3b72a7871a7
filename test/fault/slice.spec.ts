/** A slice of `npm run fault`: a kill at each of the places where a crash costs most, and the broker away for a while. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Stack, startStack } from '../../deploy/local/src/index.js'
import { twoCoordinators } from '../../packages/drill/src/nemesis/faults/coordinators.js'
import { brokerAway } from '../../packages/drill/src/nemesis/faults/outage.js'
import { runKills } from '../../packages/drill/src/nemesis/kills/run.js'
import type { Check } from '../../packages/drill/src/nemesis/report.js'
import { Site } from '../../packages/drill/src/nemesis/site/site.js'

const FAILPOINTS = [
  'client.propose.after',
  'http.after-request',
  'kafka.after-send',
  'ledger.closed.after',
  'ledger.completed.before',
  'ledger.requested.before',
  'offsets.before-commit',
  'postgres.undo.after',
  'relay.published',
  'sidecar.after-intent',
]
const OPEN = 150
const OUTAGE_MS = 10_000
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)

const folder = mkdtempSync(join(tmpdir(), 'unwind-fault-'))
const say = (line: string) => console.error(`[fault, seed ${SEED}] ${line}`)
let stack: Stack
const sites: Site[] = []

beforeAll(async () => {
  const { KAFKA_BROKERS: _k, SCHEMA_REGISTRY_URL: _s, REDIS_URL: _r, DATABASE_URL: _d, ...env } = process.env
  stack = await startStack({
    stateDir: fileURLToPath(new URL('../../.unwind', import.meta.url)),
    name: `fault-slice-${process.pid}`,
    temporary: true,
    env,
  })
})
afterAll(async () => {
  for (const site of sites) await site.close()
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function site(name: string): Promise<Site> {
  const opened = await Site.open({
    endpoints: stack,
    createDatabase: database => stack.createDatabase(database),
    name: `${name}${process.pid}`,
    folder: join(folder, name),
    branches: 1,
    sessionMs: 1_500,
    partitions: 3,
  })
  sites.push(opened)
  return opened
}

const failedOf = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok)

it('SIGKILL at each named failpoint: nothing is lost, nothing happens twice, nothing is falsely green (I1–I4)', async () => {
  const { tally, violations, rollbacks } = await runKills({
    site: await site('kills'),
    failpoints: FAILPOINTS,
    kills: 1,
    withinMs: 60_000,
    seed: SEED,
    inFlight: 8,
    coordinators: 1,
    say,
  })
  expect(violations, `seed ${SEED}`).toEqual([])
  expect(tally.complete, `seed ${SEED}`).toEqual(FAILPOINTS)
  expect(tally.crashes).toEqual([])
  expect(rollbacks).toBeGreaterThan(0)
})

it('the broker away with rollbacks open: everything moves within 15 s of its return (I1, I7)', async () => {
  const checks = await brokerAway(
    { stack, site: await site('outage') },
    {
      seed: SEED,
      stateDir: '',
      dir: folder,
      kills: 0,
      killsWithinMs: 60_000,
      pauses: 0,
      outageMs: OUTAGE_MS,
      openRollbacks: OPEN,
      signal: new AbortController().signal,
      say,
    },
  )
  expect(failedOf(checks), `seed ${SEED}`).toEqual([])
})

it('two coordinators stopped, killed and their view flushed: every rollback closed once, the view as built anew (I7, I8)', async () => {
  const checks = await twoCoordinators(
    { stack, site: await site('two') },
    {
      seed: SEED,
      stateDir: '',
      dir: folder,
      kills: 1,
      killsWithinMs: 60_000,
      pauses: 0,
      outageMs: 2_500,
      openRollbacks: 20,
      signal: new AbortController().signal,
      say,
    },
  )
  expect(failedOf(checks), `seed ${SEED}`).toEqual([])
})
