/** Apache Kafka in KRaft mode: each node is broker and controller in one JVM. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PartContext } from './context.js'
import { type Download, download } from './download.js'
import { StartFailed } from './errors.js'
import { ClassArchive, type Java } from './java.js'
import { clusterId, nodeSettings } from './kafkaConfig.js'
import { probeBroker, probeKafka, probeSecuredBroker } from './kafkaProbe.js'
import { type Secured, scramArguments, secure, securitySettings } from './kafkaSecurity.js'
import type { BrokerNode, KafkaSecurity } from './options.js'
import { withPorts } from './ports.js'
import { runLeashed } from './process.js'
import { Server, type ServerSpec, tailOf } from './server.js'
import { findJava } from './tools.js'

export const KAFKA: Download = {
  name: 'kafka-4.1.0',
  label: 'Apache Kafka 4.1.0',
  megabytes: 45,
  goal: 'copy-dependencies@kafka',
  growsIn: 'org',
}

const READY_WITHIN_MS = 60_000
/** When all nodes of a cluster stop at once, the last one waits in vain for a quorum to hand its partitions to. */
const STOP_WITHIN_MS = { alone: 15_000, cluster: 3_000 }

export interface KafkaPart {
  readonly nodes: readonly KafkaNode[]
  readonly ports: readonly number[]
  readonly security: KafkaSecurity | null
}

export class KafkaNode extends Server implements BrokerNode {
  constructor(
    readonly id: number,
    spec: ServerSpec,
  ) {
    super(spec)
  }
}

export async function startKafka(context: PartContext, brokers: number): Promise<KafkaPart> {
  const libs = await download(KAFKA, context)
  const java = await findJava(context.env)
  checkClusterSize(context.dataDir, brokers)
  const secured =
    context.kafkaUsers === undefined
      ? null
      : await secure(context.dataDir, context.kafkaUsers, java, context.env)
  // Two ports a node: one for clients, one for the controllers among themselves.
  return withPorts(brokers * 2, context.ports, async ports => {
    const nodes = Array.from({ length: brokers }, (_, index) =>
      makeNode(index + 1, ports, libs, java, context, secured),
    )
    try {
      await Promise.all(nodes.map(node => format(node.id, libs, java, context, secured)))
      await Promise.all(nodes.map(node => node.startUnder(context.signal)))
      // Behind a log-in only the driver can ask; it retries until all is there.
      if (secured === null) await allSeeAll(nodes, context.signal)
    } catch (error) {
      await Promise.all(nodes.map(node => node.stop()))
      throw error
    }
    return { nodes, ports, security: secured && { caFile: secured.caFile, passwords: secured.passwords } }
  })
}

function makeNode(
  id: number,
  ports: readonly number[],
  libs: string,
  java: Java,
  context: PartContext,
  secured: Secured | null,
): KafkaNode {
  const brokers = ports.length / 2
  const port = ports[id - 1] as number
  const home = join(context.dataDir, `node-${id}`)
  mkdirSync(home, { recursive: true })
  const settings = nodeSettings({
    id,
    clientPorts: ports.slice(0, brokers),
    controllerPorts: ports.slice(brokers),
    home,
    ...(secured ? { security: securitySettings(secured) } : {}),
  })
  // It holds passwords where Kafka is secured.
  writeFileSync(join(home, 'server.properties'), settings, { mode: 0o600 })
  const archive = new ClassArchive(context.cacheDir, KAFKA.name, java)
  return new KafkaNode(id, {
    label: brokers === 1 ? 'Kafka' : `Kafka broker ${id}`,
    port,
    readyWithinMs: READY_WITHIN_MS,
    stopWithinMs: brokers === 1 ? STOP_WITHIN_MS.alone : STOP_WITHIN_MS.cluster,
    launch: () => ({
      command: java.file,
      args: [
        brokers === 1 ? '-Xmx512m' : '-Xmx384m',
        '-XX:+UseG1GC',
        '-XX:MaxGCPauseMillis=20',
        // A cluster's node may be killed at its deadline in the middle of writing an archive.
        ...archive.flags(brokers === 1),
        ...LOGGING,
        '-cp',
        classPath(libs),
        'kafka.Kafka',
        join(home, 'server.properties'),
      ],
      cwd: home,
      env: context.env,
      logFile: join(context.logDir, `kafka-${id}.log`),
    }),
    probe: () =>
      secured
        ? probeSecuredBroker({ host: '127.0.0.1', port, tls: true, caFile: secured.caFile })
        : probeBroker({ host: '127.0.0.1', port }),
    afterExit: () => archive.keep(),
  })
}

const LOGGING = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
  '-Dlog4j2.disableJmx=true',
]

/** Spelt out and sorted, since the class-data archive is bound to the exact path. */
function classPath(libs: string): string {
  const jars = readdirSync(libs).filter(file => file.endsWith('.jar'))
  return jars
    .sort()
    .map(jar => join(libs, jar))
    .join(':')
}

async function format(
  id: number,
  libs: string,
  java: Java,
  context: PartContext,
  secured: Secured | null,
): Promise<void> {
  const home = join(context.dataDir, `node-${id}`)
  if (existsSync(join(home, 'data', 'meta.properties'))) return
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...LOGGING, '-cp', classPath(libs)]
  const args = ['format', '-t', clusterId(context.dataDir), '-c', join(home, 'server.properties')]
  if (secured) args.push(...scramArguments(secured))
  const logFile = join(context.logDir, `kafka-${id}.log`)
  const { code } = await runLeashed(
    {
      command: java.file,
      args: [...flags, 'kafka.tools.StorageTool', ...args],
      cwd: home,
      env: context.env,
      logFile,
    },
    context.signal,
  )
  if (code !== 0)
    throw new StartFailed(`Kafka's storage could not be formatted (exit code ${code})`, tailOf(logFile))
}

/** Every node answers by itself first; the cluster is ready when each of them knows all the others. */
async function allSeeAll(nodes: readonly KafkaNode[], signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  for (const node of nodes) {
    for (;;) {
      signal?.throwIfAborted()
      try {
        await probeKafka({ host: '127.0.0.1', port: node.port }, nodes.length)
        break
      } catch (error) {
        if (Date.now() > deadline || node.pid === undefined) throw error
        await sleep(50)
      }
    }
  }
}

/** The voters of the metadata quorum are part of the data: one broker cannot become three, nor three one. */
function checkClusterSize(dataDir: string, brokers: number): void {
  const file = join(dataDir, 'brokers')
  if (!existsSync(file)) {
    writeFileSync(file, String(brokers))
    return
  }
  const before = readFileSync(file, 'utf8')
  if (before !== String(brokers)) {
    throw new Error(
      `the data in ${dataDir} was made by ${before} broker(s) and cannot be used by ${brokers}: take another name, or start fresh`,
    )
  }
}
