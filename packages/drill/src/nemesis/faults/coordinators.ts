import { type ApiClient, createApiClient } from '@unwind/client'
import type { Stack } from '@unwind/local-stack'
import { Redis } from 'ioredis'
import { Random } from '../../simulation/engine/random.js'
import { type Check, check } from '../report.js'
import type { Section, SectionContext } from '../section.js'
import type { Place } from '../site/fleet.js'
import { READY, type Site } from '../site/site.js'
import { sleep, waitFor } from '../site/wait.js'
import { onStage } from '../stage.js'
import { openAlarms } from './alarms.js'
import { underTraffic } from './under-traffic.js'

const FLUSHES = 2
const IN_FLIGHT = 12
/** Two of five are parked: a later writer is in the way. */
const MIX = { plain: 6, forced: 2, kept: 2 }
const BETWEEN_KILLS_MS = { least: 200, most: 1_200 }
const ALL_WITHIN_MS = 900_000
const QUIET_MS = 2_000
const MOST_ATTEMPTS = 30
const COMPLETE_WITHIN_MS = 120_000

/** Two coordinators share the work while they are stopped and killed in turn and their view is wiped; people are told of what is parked. */
export const coordinators: Section = {
  name: 'coordinators',
  about:
    'two of them: one stopped (--outage-minutes), each killed (--kills), their view flushed twice, during so many rollbacks (--open)',
  run: context =>
    onStage('coordinators', context, { site: { branches: 2 } }, stage => twoCoordinators(stage, context)),
}

/** On servers and a site that stand already. Long: --open 500 --kills 10 --outage-minutes 1. */
export async function twoCoordinators(
  { stack, site }: { readonly stack: Pick<Stack, 'redisUrl'>; readonly site: Site },
  context: SectionContext,
): Promise<readonly Check[]> {
  const count = context.openRollbacks
  const random = new Random(context.seed, 23)
  const alarms = await openAlarms(site, random)
  const escalating = { env: { UNWIND_CONFIG: alarms.configFile } }
  const options = {
    fleet: { coordinators: 2, of: { 'coordinator/1': escalating, 'coordinator/2': escalating } },
    traffic: { inFlight: Math.min(IN_FLIGHT, count), mix: MIX, mayResolve: alarms.mayResolve },
    mayEnd: true,
  }
  try {
    return await underTraffic(
      'coordinators',
      site,
      context,
      options,
      async ({ fleet, traffic, progress }) => {
        const [one, two] = fleet.coordinators as [Place, Place]
        const redis = new Redis(stack.redisUrl)
        const flush = async () => {
          await redis.flushall()
          context.say('the view is flushed')
        }
        await progress(2)
        one.child.signal('SIGSTOP')
        await sleep(context.outageMs / 2)
        await flush()
        await sleep(context.outageMs / 2)
        one.child.signal('SIGCONT')
        await progress(1)
        const killed = { one: 0, two: 0 }
        for (let n = 0; n < context.kills; n++) {
          if (n === Math.floor(context.kills / 2)) await flush()
          for (const [name, place] of [
            ['one', one],
            ['two', two],
          ] as const) {
            await kill(place)
            killed[name]++
            await sleep(random.between(BETWEEN_KILLS_MS.least, BETWEEN_KILLS_MS.most))
          }
          context.say(`${n + 1} kills each, ${traffic.closed} rollbacks ended`)
        }
        await waitFor(
          `${count} rollbacks to end`,
          () => traffic.closed >= count,
          ALL_WITHIN_MS,
          () => `${traffic.closed} have, ${traffic.open} are open`,
        )
        traffic.stop()
        await waitFor(
          'the others to end',
          () => traffic.open === 0,
          ALL_WITHIN_MS,
          () => `${traffic.open} are open`,
        )
        redis.disconnect()
        const ends = [...site.eyes.stories.values()].filter(story => story.ends.length > 0)
        const twice = ends.filter(
          story => new Set(story.ends.map(end => end.revision)).size !== story.ends.length,
        )
        const { before, after } = await atRest(site, async () => digests(await apiOf(two)))
        return [
          ...(await alarms.checks(context.say)),
          check(
            'coordinators: each was killed as often as asked',
            killed.one === context.kills && killed.two === context.kills,
            `${killed.one} and ${killed.two} kills, one stopped for ${context.outageMs / 1_000} s, ${FLUSHES} flushes`,
          ),
          check(
            `coordinators: every rollback closed once`,
            traffic.closed >= count && twice.length === 0,
            twice.length === 0
              ? `${ends.length} rollbacks`
              : twice.map(story => `${story.rollbackId}: ${JSON.stringify(story.ends)}`).join('\n'),
          ),
          check(
            'coordinators: the view is that of a fresh building (I8)',
            before === after,
            before === after ? before : `${before} before, ${after} after`,
          ),
        ]
      },
    )
  } finally {
    await alarms.close()
  }
}

/** Once it works: one that is killed while it starts shows less. */
async function kill(place: Place): Promise<void> {
  await place.said(READY.coordinator)
  const { child } = place
  await child.kill()
  await waitFor('it to be started again', () => place.child !== child, 30_000)
}

async function apiOf(place: Place): Promise<ApiClient> {
  await place.said(READY.coordinator)
  const line = await place.child.said('"url":"http')
  return createApiClient({ url: (JSON.parse(line) as { url: string }).url })
}

/** Of one and the same ledger: what is still noted of the last alarms moves it. */
async function atRest<T>(site: Site, measure: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const { events } = site.eyes
    await sleep(QUIET_MS)
    if (site.eyes.events !== events && attempt < MOST_ATTEMPTS) continue
    const measured = await measure()
    if (site.eyes.events === events || attempt >= MOST_ATTEMPTS) return measured
  }
}

async function digests(api: ApiClient): Promise<{ before: string; after: string }> {
  const complete = () =>
    waitFor(
      'the view to be complete',
      async () => {
        const { stale, behind } = await api.viewState()
        return !stale && behind === 0
      },
      COMPLETE_WITHIN_MS,
    )
  await complete()
  const before = (await api.viewDigest()).digest
  await api.rebuildView()
  await complete()
  return { before, after: (await api.viewDigest()).digest }
}
