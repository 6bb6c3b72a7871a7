import type { Stack } from '@unwind/local-stack'
import { type Check, check } from '../report.js'
import type { Section, SectionContext } from '../section.js'
import { Gate } from '../site/gate.js'
import type { Site } from '../site/site.js'
import { sleep, waitFor } from '../site/wait.js'
import { onStage } from '../stage.js'
import { underTraffic } from './under-traffic.js'

/** Everything moves again so long after the brokers are back, whatever the length of the outage. */
const MOVING_WITHIN_MS = 15_000
/**
 * A sidecar that cannot make sure of an outcome for so long (kafka.deliveryTimeoutMs by default) ends, and whoever watches over it
 * starts it again; in a shorter outage none may end.
 */
const ENDS_AFTER_MS = 120_000
const ALL_REQUESTED_WITHIN_MS = 180_000

/** The only broker goes away with many rollbacks open, and comes back. */
export const outage: Section = {
  name: 'outage',
  about: 'the broker is away (--outage-minutes) with many rollbacks open (--open)',
  run: context =>
    onStage('outage', context, { site: { branches: 2, sessionMs: 3_000 } }, stage =>
      brokerAway(stage, context),
    ),
}

/** On servers and a site that stand already. */
export function brokerAway(
  { stack, site }: { readonly stack: Pick<Stack, 'nodes'>; readonly site: Site },
  context: SectionContext,
): Promise<readonly Check[]> {
  const gate = new Gate()
  let ready = 0
  const count = context.openRollbacks
  const traffic = {
    inFlight: count,
    orders: count,
    mix: { plain: 1 },
    beforePropose: () => {
      ready++
      return gate.opened
    },
  }
  return underTraffic(
    'outage',
    site,
    context,
    { traffic, mayEnd: context.outageMs >= ENDS_AFTER_MS },
    async ({ traffic, fleet }) => {
      await waitFor('all orders to have failed', () => ready === count, ALL_REQUESTED_WITHIN_MS)
      // Money comes back only when we let it: so all of them are open when the broker goes.
      const release = site.branches.map(({ payments }) => payments.hold())
      gate.open()
      const requested = () => [...site.eyes.stories.values()].filter(one => one.revision > 0).length
      await waitFor('all rollbacks to be requested', () => requested() === count, ALL_REQUESTED_WITHIN_MS)
      const { open } = traffic
      const [node] = stack.nodes
      await node!.kill()
      for (const letGo of release) letGo()
      context.say(`the broker is away with ${open} rollbacks open`)
      await sleep(context.outageMs)
      await node!.start()
      const back = performance.now()
      const moving = await allMoving(site, context)
      await waitFor('all rollbacks to end', () => traffic.open === 0, ALL_REQUESTED_WITHIN_MS)
      const all = performance.now() - back
      const alarms = [...site.eyes.stories.values()].flatMap(story => [...story.alarms])
      const restarts = fleet.places.reduce((sum, place) => sum + place.ends.length, 0)
      return [
        check(`outage: ${count} rollbacks were open`, open === count, `${open}`),
        check(
          'outage: no alarm was raised for what the outage explains (I7)',
          alarms.length === 0,
          `${alarms.length} alarms${alarms.length > 0 ? `: ${[...new Set(alarms)].slice(0, 8).join(', ')}` : ''}`,
        ),
        check(
          `outage: everything moves within ${MOVING_WITHIN_MS / 1_000} s after ${context.outageMs / 1_000} s`,
          moving < MOVING_WITHIN_MS,
          `every system and the coordinator after ${(moving / 1_000).toFixed(1)} s, all ended after ${(all / 1_000).toFixed(1)} s, ${restarts} processes were started again`,
        ),
      ]
    },
  )
}

/** Until every system has proved a step and a rollback has ended since now, ms. */
async function allMoving(site: Site, context: SectionContext): Promise<number> {
  const began = performance.now()
  const count = () => {
    const proved = new Map<string, number>()
    let ended = 0
    for (const story of site.eyes.stories.values()) {
      if (story.end !== null) ended++
      for (const id of story.completed.keys()) proved.set(id, (proved.get(id) ?? 0) + 1)
    }
    return { proved, ended }
  }
  const before = count()
  await waitFor(
    'every system to move',
    () => {
      const now = count()
      const systems = site.systems.filter(id => (now.proved.get(id) ?? 0) > (before.proved.get(id) ?? 0))
      return systems.length === site.systems.length && now.ended > before.ended
    },
    120_000,
    () => `${count().ended} have ended`,
  )
  context.say(
    `everything moves ${((performance.now() - began) / 1_000).toFixed(1)} s after the broker is back`,
  )
  return performance.now() - began
}
