import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TopicNames, topicNames, topicSpecifications } from '@unwind/contracts'
import { type DatabaseUrls, SHOP_SYSTEMS } from '@unwind/example-shop'
import { type Stack, startStack } from '@unwind/local-stack'
import { applySchemas, connectKafkajs, type EventLog } from '@unwind/runtime'
import { ensureDevKeys } from '../../dev/keys.js'
import type { Cli } from '../../shell/cli.js'
import { type DevState, STATE_DIR } from '../../shell/dev-state.js'
import { driverLog } from '../../shell/log.js'
import type { Screen } from '../text/screen.js'
import type { Closing } from './closing.js'

/** Name of the demo's own local environment: `unwind --env demo tail` finds it from another terminal. */
export const DEMO = 'demo'

/** What everything else stands on. */
export interface Ground {
  readonly stack: Stack
  readonly state: DevState
  readonly topics: TopicNames
  readonly log: EventLog
  /** The shop's databases, empty. */
  readonly databaseUrls: DatabaseUrls
  /** `.unwind/demo`, empty. */
  readonly folder: string
}

/** A fresh stack with topics, schemas, keys and two empty databases. */
export async function layGround(cli: Cli, screen: Screen, closing: Closing): Promise<Ground> {
  const { cwd, interrupted, env } = cli.io
  const stack = await startStack({
    stateDir: join(cwd, STATE_DIR),
    name: DEMO,
    fresh: true,
    say: line => screen.note(line.replaceAll(`${cwd}/`, '')),
    env: env as NodeJS.ProcessEnv,
    signal: interrupted,
  })
  closing.add('the local stack', () => stack.stop())
  // Only now: the stack's name is ours, so no other demo writes there.
  const folder = join(cwd, STATE_DIR, DEMO)
  rmSync(folder, { recursive: true, force: true })
  // A server that is not ours keeps what earlier demos wrote: there each demo has topics of its own.
  const prefix = stack.nodes.length > 0 ? 'unwind' : `unwind-demo-${Date.now().toString(36)}`
  const state = devState(cwd, stack, prefix)
  const topics = topicNames(prefix)
  const log = connectKafkajs({ brokers: stack.brokers, clientId: 'unwind-demo', logger: driverLog(cli) })
  closing.add('the connection to Kafka', () => log.close())
  const [databaseUrls, made] = await Promise.all([databases(stack), prepare(log, stack, topics)])
  const keys = `keys for ${Object.keys(state.keys).length} principals`
  screen.note(`${made.topics} topics, ${made.schemas} schemas, ${keys}, two databases`)
  return { stack, state, topics, log, databaseUrls, folder }
}

function devState(cwd: string, stack: Stack, prefix: string): DevState {
  const { keys, trustFile } = ensureDevKeys(join(cwd, STATE_DIR, 'keys', DEMO), SHOP_SYSTEMS)
  const env = { ...stack.env, UNWIND_TOPICS_PREFIX: prefix }
  return { name: DEMO, pid: process.pid, startedAt: Date.now(), env, apiUrl: null, keys, trustFile }
}

async function databases(stack: Stack): Promise<DatabaseUrls> {
  return {
    orders: await stack.createDatabase('demo_orders'),
    stock: await stack.createDatabase('demo_stock'),
  }
}

async function prepare(
  log: EventLog,
  stack: Stack,
  topics: TopicNames,
): Promise<{ readonly topics: number; readonly schemas: number }> {
  const admin = await log.admin()
  try {
    const [created, applied] = await Promise.all([
      admin.applyTopics(topicSpecifications(topics)),
      applySchemas({ url: stack.registryUrl }, topics),
    ])
    return { topics: created.length, schemas: applied.filter(schema => schema.added).length }
  } finally {
    await admin.close()
  }
}
