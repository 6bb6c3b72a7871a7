import type { Stack } from '@unwind/local-stack'
import { captureRatio } from './capture.js'
import { createDatabases } from './databases.js'
import { escalations } from './escalation.js'
import { ingest } from './ingest.js'
import { mysqlFigures } from './mysql.js'
import type { Figure } from './report.js'
import { resumeAfterKill } from './resume.js'
import { kafkaRollbacks, postgresRollbacks, type RunSizes } from './rollbacks.js'
import { type BenchSite, prepareSite } from './setup.js'
import { timeline } from './timeline.js'
import { undoFigures } from './undo.js'

export interface SectionContext {
  readonly stack: Stack
  /** A folder of this run's own. */
  readonly dir: string
  /** Smaller counts, to see whether it works at all. */
  readonly quick: boolean
  say(line: string): void
}

export type Section = (context: SectionContext) => Promise<readonly Figure[]>

const PARTITIONS = 12

/** A site with topics, keys and databases of its own: sections do not see each other's records. */
export function siteFor(
  { stack, dir }: SectionContext,
  name: string,
  databases: Readonly<Record<string, string>> = {},
): Promise<BenchSite> {
  const { brokers, registryUrl, redisUrl } = stack
  return prepareSite(
    { brokers, registryUrl, redisUrl, databases, prefix: `bench-${name}`, partitions: PARTITIONS },
    dir,
  )
}

export function sizes({ quick }: SectionContext): RunSizes {
  return quick
    ? { warmUp: 100, count: 300, alone: 50, rounds: 1 }
    : { warmUp: 600, count: 3_000, alone: 300, rounds: 5 }
}

export const SECTIONS: Readonly<Record<string, Section>> = {
  kafka: async context => kafkaRollbacks(await siteFor(context, 'kafka'), sizes(context), context.dir),
  postgres: async context => {
    const site = await siteFor(context, 'postgres', await createDatabases(context.stack))
    const all = sizes(context)
    return postgresRollbacks(site, { ...all, warmUp: all.warmUp / 2, count: all.count / 2 })
  },
  ingest: async context => ingest(await siteFor(context, 'ingest'), context.quick ? 60_000 : 300_000, 10),
  timeline: async context =>
    timeline(await siteFor(context, 'timeline'), context.quick ? 20_000 : 1_000_000, 10, context.say),
  capture: async ({ stack, quick }) => [
    ...(await captureRatio(stack, { rounds: quick ? 1 : 11, seconds: 2, scale: 1 })),
    ...(await captureRatio(stack, { rounds: quick ? 1 : 11, seconds: 2, scale: 10 })),
  ],
  mysql: mysqlFigures,
  escalation: async context =>
    escalations(
      await siteFor(context, 'escalation'),
      context.quick ? { spread: 100, atOnce: 900 } : { spread: 1_000, atOnce: 9_000 },
    ),
  undo: undoFigures,
  resume: async context => resumeAfterKill(await siteFor(context, 'resume')),
}
