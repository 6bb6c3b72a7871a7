/**
 * The whole stack. Invariants:
 *  S1 a start that fails or is aborted leaves nothing running and the name free.
 *  S2 `stop` is idempotent and bounded; it touches nothing that is external.
 */
import { join, resolve } from 'node:path'
import type { PartContext } from './context.js'
import { recreateDatabase } from './databases.js'
import { type DataDir, openDataDir } from './dataDir.js'
import { checkExternal, externalOf, splitBrokers, VARIABLE } from './external.js'
import { type KafkaNode, startKafka } from './kafka.js'
import { startMariadb } from './mariadb.js'
import { recreateMariadbDatabase } from './mariadbDatabases.js'
import {
  ALL_PARTS,
  type KafkaSecurity,
  type Part,
  type Stack,
  type StackEnv,
  type StackOptions,
} from './options.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import { type SinglePartStarted, startRegistry } from './registry.js'
import type { Server } from './server.js'

interface Running {
  readonly part: Part
  readonly external: boolean
  /** What the part's variable is set to. */
  readonly value: string
  readonly servers: readonly Server[]
  readonly nodes: readonly KafkaNode[]
  readonly security?: KafkaSecurity | null
}

export async function startStack(options: StackOptions): Promise<Stack> {
  options.signal?.throwIfAborted()
  const parts = options.parts ?? ALL_PARTS
  const data = await openDataDir(options)
  const own = parts.filter(part => !externalOf(part, options.env ?? process.env))
  if (own.length > 0) options.say?.(`starting ${own.join(', ')}; data and logs in ${data.root}`)
  const failure = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal

  const outcomes = await Promise.allSettled(
    parts.map(async part => {
      try {
        return await startPart(part, options, data, signal)
      } catch (error) {
        // The first failure is the reason of all that follow from it.
        failure.abort(error)
        throw error
      }
    }),
  )
  const running = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  if (signal.aborted) {
    await stopAll(running, data) // S1
    throw options.signal?.aborted ? options.signal.reason : failure.signal.reason
  }
  return makeStack(running, data)
}

async function startPart(
  part: Part,
  options: StackOptions,
  data: DataDir,
  signal: AbortSignal,
): Promise<Running> {
  const env = options.env ?? process.env
  const say = options.say ?? (() => undefined)
  const external = externalOf(part, env)
  if (external) {
    await checkExternal(part, external.value, undefined, signal)
    say(`${part}: using ${VARIABLE[part]} (${external.shown}), it answers`)
    return { part, external: true, value: external.value, servers: [], nodes: [] }
  }
  const context: PartContext = {
    cacheDir: cacheDirOf(options),
    env,
    say,
    signal,
    dataDir: data.folderOf(part),
    logDir: data.logDir,
    ports: data.portsOf(part),
    ...(options.kafkaUsers ? { kafkaUsers: options.kafkaUsers } : {}),
  }
  const again = context.ports.length > 0 ? ', with its data of last time' : ''
  const began = performance.now()
  const started = await startLocal(part, context, options.brokers ?? 1)
  const ports = started.servers.map(server => server.port)
  data.rememberPorts(part, started.ports)
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  say(`${part}: ready on 127.0.0.1:${ports.join(', ')} after ${seconds} s${again}`)
  return { part, external: false, ...started }
}

type Local = Pick<Running, 'value' | 'servers' | 'nodes' | 'security'> & { readonly ports: readonly number[] }

async function startLocal(part: Part, context: PartContext, brokers: number): Promise<Local> {
  switch (part) {
    case 'kafka': {
      const { nodes, ports, security } = await startKafka(context, brokers)
      const value = nodes.map(node => `127.0.0.1:${node.port}`).join(',')
      return { value, servers: nodes, nodes, ports, security }
    }
    case 'registry':
      return single(await startRegistry(context))
    case 'redis':
      return single(await startRedis(context))
    case 'postgres':
      return single(await startPostgres(context))
    case 'mariadb':
      return single(await startMariadb(context))
    default:
      return part satisfies never
  }
}

function single({ server, url }: SinglePartStarted): Local {
  return { value: url, servers: [server], nodes: [], ports: [server.port] }
}

function makeStack(running: readonly Running[], data: DataDir): Stack {
  const find = (part: Part) => running.find(candidate => candidate.part === part)
  const variableOf = (part: Part) => find(part)?.value ?? ''
  const own = (part: Part): Running => {
    const found = find(part)
    if (!found) throw new Error(`${part} was not asked for when this stack was started`)
    if (found.external) throw new Error(`${part} is not ours: ${VARIABLE[part]} points at it`)
    return found
  }
  const env: StackEnv = Object.fromEntries(running.map(({ part, value }) => [VARIABLE[part], value]))
  let stopping: Promise<void> | undefined

  return {
    brokers: splitBrokers(variableOf('kafka')),
    registryUrl: variableOf('registry'),
    redisUrl: variableOf('redis'),
    databaseUrl: variableOf('postgres'),
    mariadbUrl: variableOf('mariadb'),
    env,
    kafkaSecurity: find('kafka')?.security ?? null,
    nodes: find('kafka')?.nodes ?? [],
    server: part => own(part).servers[0] as Server,
    async restart(part) {
      for (const server of own(part).servers) await server.restart()
    },
    async createDatabase(name) {
      const postgres = find('postgres')
      if (!postgres) throw new Error('postgres was not asked for when this stack was started')
      return recreateDatabase(postgres.value, name, postgres.external)
    },
    async createMariadbDatabase(name) {
      const mariadb = find('mariadb')
      if (!mariadb) throw new Error('mariadb was not asked for when this stack was started')
      return recreateMariadbDatabase(mariadb.value, name, mariadb.external)
    },
    stop() {
      stopping ??= stopAll(running, data)
      return stopping
    },
  }
}

async function stopAll(running: readonly Running[], data: DataDir): Promise<void> {
  await Promise.all(running.flatMap(({ servers }) => servers.map(server => server.stop())))
  data.release()
}

export function cacheDirOf(options: { stateDir: string; env?: NodeJS.ProcessEnv }): string {
  const shared = (options.env ?? process.env).UNWIND_CACHE_DIR
  return shared ? resolve(shared) : join(resolve(options.stateDir), 'cache')
}
