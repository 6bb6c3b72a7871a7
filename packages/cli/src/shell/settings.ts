import { userInfo } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { type TopicNames, topicNames } from '@unwind/contracts'
import type { Command } from 'commander'
import type { Cli } from './cli.js'
import type { CliConfig } from './cli-config.js'
import { CliError } from './cli-error.js'
import { type DevState, devStatePath, readDevState } from './dev-state.js'

/** Where everything is, for one run of one verb. Null: nobody said. */
export interface Settings {
  readonly kafka: NonNullable<CliConfig['kafka']>
  readonly registry: NonNullable<CliConfig['registry']>
  readonly brokers: readonly string[] | null
  readonly registryUrl: string | null
  readonly redisUrl: string | null
  readonly databaseUrl: string | null
  readonly apiUrl: string
  readonly apiToken: string | null
  /** Of "unwind login". */
  readonly login: NonNullable<CliConfig['login']>
  readonly topics: TopicNames
  readonly prefix: string
  readonly partitions: number
  readonly keyFile: string | null
  readonly trustFile: string | null
  /** Who acts, e.g. "user:ana": goes into the ledger. */
  readonly actor: string
  /** Whom this run names; null: nobody, so a log-in says who acts. */
  readonly named: string | null
  /** The configuration file, absolute. */
  readonly configFile: string | null
  /** The running `unwind dev`, if there is one. */
  readonly dev: DevState | null
}

/** Options as commander gives them; only those that a verb declares are there. */
interface Given {
  readonly config?: string
  readonly env?: string
  readonly kafka?: string[]
  readonly registry?: string
  readonly api?: string
  readonly prefix?: string
  readonly partitions?: number
  readonly as?: string
}

/** Where a coordinator listens unless it is told otherwise. */
export const DEFAULT_API_URL = 'http://127.0.0.1:7300'
const DEFAULT_PARTITIONS = 12

/**
 * Option, then environment, then configuration file, then a running `unwind dev`, then the default.
 * @throws ConfigError naming option, variable, or file and line of what is wrong.
 * @throws CliError "usage" when an environment was named that does not run.
 */
export async function settingsOf(cli: Cli, command: Command): Promise<Settings> {
  const given = command.optsWithGlobals<Given>()
  const { io } = cli
  const dev = devState(cli, command, given)
  const configPath = given.config ?? io.env.UNWIND_CONFIG
  const configFile = configPath ? absolute(io.cwd, configPath) : null
  const [{ loadConfig }, { cliConfig }] = await Promise.all([
    import('@unwind/runtime'),
    import('./cli-config.js'),
  ])
  const config = loadConfig(cliConfig, {
    ...(configFile ? { file: configFile } : {}),
    env: io.env,
    options: {
      kafka: { brokers: given.kafka },
      registry: { url: given.registry },
      topics: { prefix: given.prefix, partitions: given.partitions },
      api: { url: given.api },
    },
  })
  const prefix = config.topics?.prefix ?? dev?.env.UNWIND_TOPICS_PREFIX ?? 'unwind'
  return {
    kafka: config.kafka ?? {},
    registry: config.registry ?? {},
    brokers: config.kafka?.brokers ?? dev?.env.KAFKA_BROKERS?.split(',') ?? null,
    registryUrl: config.registry?.url ?? dev?.env.SCHEMA_REGISTRY_URL ?? null,
    redisUrl: config.redis?.url ?? dev?.env.REDIS_URL ?? null,
    databaseUrl: config.database?.url ?? dev?.env.DATABASE_URL ?? null,
    apiUrl: config.api?.url ?? dev?.apiUrl ?? DEFAULT_API_URL,
    apiToken: config.api?.token ?? null,
    login: config.login ?? {},
    topics: topicNames(prefix),
    prefix,
    partitions: config.topics?.partitions ?? DEFAULT_PARTITIONS,
    keyFile: config.signing?.keyFile ?? null,
    trustFile: config.signing?.trustFile ?? dev?.trustFile ?? null,
    named: given.as ?? io.env.UNWIND_ACTOR ?? null,
    actor: given.as ?? io.env.UNWIND_ACTOR ?? `user:${userInfo().username}`,
    configFile,
    dev,
  }
}

function devState(cli: Cli, command: Command, given: Given): DevState | null {
  const chosen = command.getOptionValueSourceWithGlobals('env') === 'cli' ? given.env : cli.io.env.UNWIND_ENV
  const name = chosen ?? 'dev'
  const state = readDevState(devStatePath(cli.io.cwd, name))
  if (state === null && chosen !== undefined)
    throw new CliError(
      'usage',
      `No local environment "${name}" runs here.`,
      `Start it with "unwind dev --name ${name}".`,
    )
  return state
}

/**
 * Environment for a process of ours that reads its own configuration: what `unwind dev` says, where neither the
 * environment nor the configuration file says anything.
 */
export function environmentFor(cli: Cli, settings: Settings): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = { ...cli.io.env }
  const { dev } = settings
  if (dev === null) return env
  const fill = (variable: string, other: string, chosen: string | null): void => {
    if (chosen !== null && env[variable] === undefined && env[other] === undefined) env[variable] = chosen
  }
  fill('KAFKA_BROKERS', 'UNWIND_KAFKA_BROKERS', settings.brokers?.join(',') ?? null)
  fill('SCHEMA_REGISTRY_URL', 'UNWIND_REGISTRY_URL', settings.registryUrl)
  fill('REDIS_URL', 'UNWIND_REDIS_URL', settings.redisUrl)
  fill('UNWIND_SIGNING_TRUST_FILE', 'UNWIND_SIGNING_TRUST_FILE_FILE', settings.trustFile)
  fill('UNWIND_TOPICS_PREFIX', 'UNWIND_TOPICS_PREFIX_FILE', settings.prefix)
  return env
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
