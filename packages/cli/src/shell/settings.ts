import { userInfo } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { type TopicNames, topicNames } from '@unwind/contracts'
import type { Command } from 'commander'
import type { Cli } from './cli.js'
import { CliError } from './cli-error.js'
import { readConfigFile } from './config-file.js'
import { type DevState, devStatePath, readDevState } from './dev-state.js'

/** Where everything is, for one run of one verb. Null: nobody said. */
export interface Settings {
  readonly brokers: readonly string[] | null
  readonly registryUrl: string | null
  readonly redisUrl: string | null
  readonly databaseUrl: string | null
  readonly apiUrl: string
  readonly apiToken: string | null
  readonly prefix: string
  readonly topics: TopicNames
  readonly partitions: number
  readonly keyFile: string | null
  readonly trustFile: string | null
  /** Who acts, e.g. "user:ana": goes into the ledger. */
  readonly actor: string
  /** The configuration file, absolute. */
  readonly configFile: string | null
  /** The running `unwind dev`, if there is one. */
  readonly dev: DevState | null
  /** The process's environment, with what `unwind dev` gives where neither it nor the configuration file says anything. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Options as commander gives them; only those that a verb declares are there. */
interface Given {
  readonly config?: string
  readonly env?: string
  readonly kafka?: readonly string[]
  readonly registry?: string
  readonly api?: string
  readonly prefix?: string
  readonly partitions?: number
  readonly as?: string
}

export const DEFAULT_API_URL = 'http://127.0.0.1:7300'

/** Environment variable of each key of the configuration file that the command line itself needs. */
const VARIABLES = {
  'kafka.brokers': 'KAFKA_BROKERS',
  'registry.url': 'SCHEMA_REGISTRY_URL',
  'redis.url': 'REDIS_URL',
  'database.url': 'DATABASE_URL',
  'topics.prefix': 'UNWIND_TOPICS_PREFIX',
  'topics.partitions': 'UNWIND_TOPICS_PARTITIONS',
  'signing.keyFile': 'UNWIND_SIGNING_KEY_FILE',
  'signing.trustFile': 'UNWIND_SIGNING_TRUST_FILE',
  'api.url': 'UNWIND_API_URL',
  'api.token': 'UNWIND_API_TOKEN',
} as const

/**
 * Option, then environment, then configuration file, then a running `unwind dev`, then the default.
 * @throws CliError "usage" naming what is wrong and where it was said.
 */
export async function settingsOf(cli: Cli, command: Command): Promise<Settings> {
  const given = command.optsWithGlobals<Given>()
  const { io } = cli
  const environment = (given.env !== 'dev' ? given.env : undefined) ?? io.env.UNWIND_ENV ?? 'dev'
  const dev = readDevState(devStatePath(io.cwd, environment))
  if (dev === null && environment !== 'dev')
    throw new CliError(
      'usage',
      `No local environment "${environment}" runs.`,
      `Start it with "unwind dev --name ${environment}".`,
    )
  const configPath = given.config ?? io.env.UNWIND_CONFIG
  const configFile = configPath ? absolute(io.cwd, configPath) : null
  const file = configFile ? await readConfigFile(configFile) : {}
  const env: Record<string, string | undefined> = { ...io.env }
  for (const [key, variable] of Object.entries(VARIABLES))
    if (!env[variable] && file[key] === undefined && dev?.env[variable]) env[variable] = dev.env[variable]
  for (const [variable, value] of Object.entries(dev?.env ?? {}))
    if (!(Object.values(VARIABLES) as string[]).includes(variable)) env[variable] ??= value
  const say = (key: keyof typeof VARIABLES): string | null => env[VARIABLES[key]] || file[key] || null

  const prefix = given.prefix ?? say('topics.prefix') ?? 'unwind'
  const brokers =
    given.kafka ??
    say('kafka.brokers')
      ?.split(',')
      .map(item => item.trim()) ??
    null
  return {
    brokers,
    registryUrl: given.registry ?? say('registry.url'),
    redisUrl: say('redis.url'),
    databaseUrl: say('database.url'),
    apiUrl: given.api ?? say('api.url') ?? DEFAULT_API_URL,
    apiToken: say('api.token'),
    prefix,
    topics: topicNames(prefix),
    partitions: given.partitions ?? partitionsOf(say('topics.partitions')),
    keyFile: say('signing.keyFile'),
    trustFile: say('signing.trustFile'),
    actor: given.as ?? io.env.UNWIND_ACTOR ?? `user:${userInfo().username}`,
    configFile,
    dev,
    env,
  }
}

function partitionsOf(text: string | null): number {
  if (text === null) return 12
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000)
    throw new CliError(
      'usage',
      `UNWIND_TOPICS_PARTITIONS: expected a whole number from 1 to 1000, got "${text}".`,
    )
  return value
}

export function absolute(cwd: string, path: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path)
}

/** @throws CliError "usage" that says how to name it. */
export function need<T>(value: T | null, what: string, how: string): T {
  if (value !== null) return value
  throw new CliError('usage', `It is not known where ${what} is.`, `Start "unwind dev", or set ${how}.`)
}

export function needBrokers(settings: Settings): readonly string[] {
  return need(settings.brokers, 'Kafka', '--kafka or KAFKA_BROKERS')
}

export function needRegistry(settings: Settings): string {
  return need(settings.registryUrl, 'the schema registry', '--registry or SCHEMA_REGISTRY_URL')
}
