import { topicSpecifications } from '@unwind/contracts'
import { connectKafkajs, silentLogger } from '@unwind/runtime'
import { Kafka, logLevel } from 'kafkajs'
import { type Check, check } from '../report.js'
import type { Section } from '../section.js'
import type { Child } from '../site/child.js'
import { READY, type Site } from '../site/site.js'
import { waitFor } from '../site/wait.js'
import { onStage } from '../stage.js'
import { Traffic } from '../traffic/traffic.js'

const HALTS_WITHIN_MS = 60_000
const ROLLBACKS = 40

/** Somebody deletes the ledger and makes an empty one of the same name: every process halts and says so; none goes on in silence. */
export const topic: Section = {
  name: 'topic',
  about: 'the ledger deleted and created anew: halt and alarm',
  run: context =>
    onStage('topic', context, {}, async ({ stack, site }): Promise<readonly Check[]> => {
      const sidecars = site.systems.map(system => site.sidecar(system))
      const coordinator = site.coordinator()
      const client = site.client()
      await Promise.all([
        ...sidecars.map(child => child.said(READY.sidecar, 60_000)),
        coordinator.said(READY.coordinator, 60_000),
        site.courier.employ(client),
      ])
      const traffic = new Traffic(site, {
        seed: context.seed,
        inFlight: 8,
        orders: ROLLBACKS,
        mix: { plain: 1 },
      })
      traffic.start()
      await waitFor('some rollbacks to end', () => traffic.closed >= ROLLBACKS, 60_000)
      await replace(stack.brokers, site)
      const followers = [...sidecars, coordinator]
      const halted = await Promise.all(followers.map(child => halts(child)))
      traffic.stop()
      // Whoever restarts it without looking must not get a process that begins anew in silence.
      const again = [...site.systems.map(system => site.sidecar(system)), site.coordinator()]
      const haltedAgain = await Promise.all(again.map(child => halts(child)))
      const restarts = again.map((child, i) => {
        const { how } = haltedAgain[i]!
        return check(
          `topic: ${child.name}, started again, halts`,
          how !== null && how !== 0,
          `ended with ${how}`,
        )
      })
      const checks = followers.flatMap((child, i) => {
        const { how, alarm } = halted[i]!
        return [
          check(`topic: ${child.name} halts`, how !== null && how !== 0, `ended with ${how}`),
          check(`topic: ${child.name} says why`, alarm !== null, alarm ?? child.log.slice(-5).join('\n')),
        ]
      })
      return [...checks, ...restarts]
    }),
}

async function replace(brokers: readonly string[], site: Site): Promise<void> {
  const { topics } = site.ground
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topics.rollback] })
  await admin.disconnect()
  const log = connectKafkajs({ brokers, clientId: 'unwind-nemesis', logger: silentLogger() })
  try {
    const own = await log.admin()
    const specifications = topicSpecifications(topics, site.options.partitions ?? 6)
    // Kafka deletes beside what it answers, so the name is free a moment later.
    await waitFor(
      'the topic to be made anew',
      () =>
        own.applyTopics(specifications).then(
          made => made.includes(topics.rollback),
          () => false,
        ),
      30_000,
    )
  } finally {
    await log.close()
  }
}

/** How a process ended, and the error that it left. */
async function halts(child: Child): Promise<{ how: NodeJS.Signals | number | null; alarm: string | null }> {
  const late = new Promise<null>(resolve => setTimeout(() => resolve(null), HALTS_WITHIN_MS).unref())
  const how = await Promise.race([child.ended, late])
  const alarm = child.log.find(line => /"level":"?(?:50|60|error|fatal)/.test(line) && /rollback/.test(line))
  return { how, alarm: alarm?.slice(0, 400) ?? null }
}
