import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Stack, startStack } from '@unwind/local-stack'
import type { SectionContext } from './section.js'
import { Site, type SiteOptions } from './site/site.js'

export interface StageOptions {
  readonly brokers?: 1 | 3
  readonly site?: Partial<Pick<SiteOptions, 'branches' | 'sessionMs' | 'partitions' | 'tables'>>
  /** Between the start of the servers and that of the site: what the site's processes are pointed at. */
  readonly endpoints?: (stack: Stack) => Promise<SiteOptions['endpoints']>
  /** Before the servers start. @param data folder of their data, one folder a kind of server. */
  readonly beforeStart?: (data: string) => void
  /** After the servers are ready, before anything else. */
  readonly prepare?: (stack: Stack) => Promise<void>
}

const SESSION_MS = 1_500

/** Servers and a site of a section's own; all of it is gone afterwards, however the work ends. */
export async function onStage<T>(
  name: string,
  context: SectionContext,
  options: StageOptions,
  work: (stage: { readonly stack: Stack; readonly site: Site }) => Promise<T>,
): Promise<T> {
  const unique = `${name}${randomBytes(2).toString('hex')}`
  const stackName = `fault-${unique}`
  options.beforeStart?.(join(context.stateDir, 'data', stackName))
  const stack = await startStack({
    stateDir: context.stateDir,
    name: stackName,
    temporary: true,
    brokers: options.brokers ?? 1,
    // Servers that somebody else uses are not for breaking.
    env: withoutExternal(process.env),
    signal: context.signal,
    say: context.say,
  })
  try {
    await options.prepare?.(stack)
    const direct = { brokers: stack.brokers, registryUrl: stack.registryUrl, redisUrl: stack.redisUrl }
    const site = await Site.open({
      branches: 1,
      sessionMs: SESSION_MS,
      ...options.site,
      endpoints: (await options.endpoints?.(stack)) ?? direct,
      eyes: stack.brokers,
      createDatabase: database => stack.createDatabase(database),
      name: unique,
      folder: join(context.dir, unique),
    })
    try {
      return await work({ stack, site })
    } finally {
      await site.close()
    }
  } finally {
    await stack.stop()
  }
}

function withoutExternal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { KAFKA_BROKERS: _k, SCHEMA_REGISTRY_URL: _s, REDIS_URL: _r, DATABASE_URL: _d, ...own } = env
  return own
}
