/** Apache Kafka in KRaft mode: each node is broker and controller in one JVM. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PartContext } from './context.js'
import { type Download, download } from './download.js'
import { messageOf } from './errors.js'
import { classArchive, type Java, javaFor } from './java.js'
import { clusterId, nodeSettings } from './kafkaConfig.js'
import { probeBroker, probeKafka } from './kafkaProbe.js'
import type { BrokerNode } from './options.js'
import { withPorts } from './ports.js'
import { Server, type ServerSpec } from './server.js'
import { run } from './tools.js'

export const KAFKA: Download = {
  name: 'kafka-4.1.0',
  label: 'Apache Kafka 4.1.0',
  megabytes: 55,
  goal: 'copy-dependencies@kafka',
  growsIn: 'org',
}

const READY_WITHIN_MS = 60_000
/** When all nodes of a cluster stop at once, the last one waits in vain for a quorum to hand its partitions to. */
const STOP_WITHIN_MS = { alone: 15_000, cluster: 5_000 }

export interface KafkaPart {
  readonly nodes: readonly KafkaNode[]
  readonly ports: readonly number[]
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
  const java = await javaFor(context.env)
  checkClusterSize(context.dataDir, brokers)
  // Two ports a node: one for clients, one for the controllers among themselves.
  return withPorts(brokers * 2, context.ports, async ports => {
    const nodes = Array.from({ length: brokers }, (_, index) => makeNode(index + 1, ports, libs, java, context))
    const stopAll = () => Promise.all(nodes.map(node => node.stop()))
    const onAbort = () => void stopAll()
    context.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.all(nodes.map(node => format(node.id, libs, java, context)))
      context.signal?.throwIfAborted()
      await Promise.all(nodes.map(node => node.start()))
      await allSeeAll(nodes)
    } catch (error) {
      await stopAll()
      throw error
    } finally {
      context.signal?.removeEventListener('abort', onAbort)
    }
    return { nodes, ports }
  })
}

function makeNode(id: number, ports: readonly number[], libs: string, java: Java, context: PartContext): KafkaNode {
  const brokers = ports.length / 2
  const port = ports[id - 1] as number
  const home = join(context.dataDir, `node-${id}`)
  mkdirSync(home, { recursive: true })
  const settings = nodeSettings({ id, clientPorts: ports.slice(0, brokers), controllerPorts: ports.slice(brokers), home })
  writeFileSync(join(home, 'server.properties'), settings)
  // One node's archive serves all: two JVMs that dump at once would only slow each other down.
  const archive = id === 1 ? classArchive(context.cacheDir, KAFKA.name, java) : undefined
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
        ...(archive ?? classArchive(context.cacheDir, KAFKA.name, java)).flags.filter(
          flag => archive !== undefined || !flag.includes('ArchiveClassesAtExit'),
        ),
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
    probe: () => probeBroker({ host: '127.0.0.1', port }),
    afterExit: () => archive?.keep(),
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

async function format(id: number, libs: string, java: Java, context: PartContext): Promise<void> {
  const home = join(context.dataDir, `node-${id}`)
  if (existsSync(join(home, 'data', 'meta.properties'))) return
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...LOGGING, '-cp', classPath(libs)]
  const args = ['format', '-t', clusterId(context.dataDir), '-c', join(home, 'server.properties')]
  try {
    await run(java.file, [...flags, 'kafka.tools.StorageTool', ...args], {
      timeout: READY_WITHIN_MS,
      ...(context.signal ? { signal: context.signal } : {}),
    })
  } catch (error) {
    throw new Error(`Kafka's storage could not be formatted: ${messageOf(error)}`)
  }
}

/** Every node answers by itself first; the cluster is ready when each of them knows all the others. */
async function allSeeAll(nodes: readonly KafkaNode[]): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  for (const node of nodes) {
    for (;;) {
      try {
        await probeKafka({ host: '127.0.0.1', port: node.port }, nodes.length)
        break
      } catch (error) {
        if (Date.now() > deadline || node.pid === undefined) throw error
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
  }
}

/** The voters of the metadata quorum are part of the data: one broker cannot become three, nor three one. */
function checkClusterSize(dataDir: string, brokers: number): void {
  const file = join(dataDir, 'brokers')
  if (!existsSync(file)) return writeFileSync(file, String(brokers))
  const before = readFileSync(file, 'utf8')
  if (before !== String(brokers)) {
    throw new Error(
      `the data in ${dataDir} was made by ${before} broker(s) and cannot be used by ${brokers}: take another name, or start fresh`,
    )
  }
}
