import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface NodeSettings {
  /** From 1. */
  readonly id: number
  /** One a node, in the order of the IDs. */
  readonly clientPorts: readonly number[]
  readonly controllerPorts: readonly number[]
  readonly home: string
  /** What stands instead of the plaintext listeners. */
  readonly security?: Readonly<Record<string, string | boolean>>
}

/** server.properties of one node. What is not said here is Kafka's default. */
export function nodeSettings(node: NodeSettings): string {
  const { id, clientPorts, controllerPorts, home, security } = node
  const brokers = clientPorts.length
  const minInsync = brokers >= 3 ? 2 : 1
  const client = `${security ? 'SASL_SSL' : 'PLAINTEXT'}://127.0.0.1:${clientPorts[id - 1]}`
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': controllerPorts
      .map((port, index) => `${index + 1}@127.0.0.1:${port}`)
      .join(','),
    listeners: `${client},CONTROLLER://127.0.0.1:${controllerPorts[id - 1]}`,
    'advertised.listeners': client,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(home, 'data'),

    // Durability, as in production: acks=all means two copies when there are three brokers.
    'default.replication.factor': brokers,
    'min.insync.replicas': minInsync,
    'offsets.topic.replication.factor': brokers,
    'transaction.state.log.replication.factor': brokers,
    'transaction.state.log.min.isr': minInsync,
    'share.coordinator.state.topic.replication.factor': brokers,
    'share.coordinator.state.topic.min.isr': minInsync,
    'unclean.leader.election.enable': false,
    'auto.create.topics.enable': false,
    // Topics say for themselves how long they keep; one that does not, keeps everything.
    'log.retention.ms': -1,
    'offsets.retention.minutes': 525_600,

    // No waiting where a local stack gains nothing by it.
    'group.initial.rebalance.delay.ms': 0,
    'group.coordinator.append.linger.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    // A killed broker is replaced after 6 s instead of 9: fault tests wait for this.
    'broker.session.timeout.ms': 6_000,
    'broker.heartbeat.interval.ms': 1_000,

    // Fewer threads and partitions than the defaults for a data centre: quick starts, little memory.
    'num.partitions': 12,
    'offsets.topic.num.partitions': 12,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 4,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 4,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    ...security,
  }
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`
}

/** Made once per data folder: 16 random bytes, in the URL-safe form that Kafka's storage tool expects. */
export function clusterId(dataDir: string): string {
  const file = join(dataDir, 'cluster-id')
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const bytes = randomBytes(16)
  // Kafka refuses an ID that starts with a dash, since it would read as an option.
  bytes[0] = (bytes[0] ?? 0) & 0x7f
  const id = bytes.toString('base64url')
  writeFileSync(file, id)
  return id
}
