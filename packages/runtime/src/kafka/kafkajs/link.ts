import { TopicMissing } from '../port.js'
import { classify, messageOf } from './failures.js'
import {
  type ApiName,
  apiKeys,
  createErrorFromCode,
  definitions,
  type WireBroker,
  type WireLogger,
  type WireRequest,
} from './internals.js'
import { destroyNode, type Node, openNode } from './node.js'
import type { Settings } from './settings.js'
import { within } from './timing.js'

interface MetadataAnswer {
  readonly brokers: readonly { nodeId: number; host: string; port: number }[]
  readonly controllerId: number
  readonly topicMetadata: readonly {
    topicErrorCode: number
    topic: string
    partitionMetadata: readonly {
      partitionErrorCode: number
      partitionId: number
      leader: number
      replicas: number[]
    }[]
  }[]
}

export interface TopicMetadata {
  /** Leader by partition; −1 while there is none. */
  readonly leaders: ReadonlyMap<number, number>
}

/**
 * Connections to one cluster for one user (a producer, a consumer, a reader): long polls and joins of one must not
 * block another, and brokers answer the requests of a connection in order.
 *
 * Every request has a deadline, and a connection whose request failed without an answer is destroyed: kafkajs keeps
 * half-dead sockets, and some of its promises never settle once one dies at the wrong moment.
 */
export class Link {
  readonly #settings: Settings
  readonly #logger: WireLogger
  readonly #nodes = new Map<number, Node>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #wanted: Set<string>
  #seed: Node | null = null
  #seedIndex: number
  #addresses = new Map<number, { host: string; port: number }>()
  #refreshing: Promise<void> | null = null
  #closed = false

  constructor(settings: Settings, logger: WireLogger, topics: readonly string[]) {
    this.#settings = settings
    this.#logger = logger
    this.#wanted = new Set(topics)
    this.#seedIndex = Math.floor(Math.random() * settings.brokers.length)
  }

  /** @throws TopicMissing when the cluster says that there is no such topic. */
  async topic(name: string): Promise<TopicMetadata> {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    this.#wanted.add(name)
    await this.refresh()
    const found = this.#topics.get(name)
    if (found === undefined) throw new TopicMissing(name)
    return found
  }

  /** What the last refresh said, without asking. */
  known(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  brokerIds(): number[] {
    return [...this.#addresses.keys()]
  }

  /** Asks a broker for leaders and addresses; several callers share one request. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const broker = await this.any()
    const answer = await this.call<MetadataAnswer>(
      broker,
      'Metadata',
      { topics: [...this.#wanted], allowAutoTopicCreation: false },
      { checked: false },
    )
    this.#addresses = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    for (const [id, node] of this.#nodes) {
      const address = this.#addresses.get(id)
      if (address === undefined || `${address.host}:${address.port}` !== node.address) this.#destroy(node)
    }
    for (const topic of answer.topicMetadata) {
      if (topic.topicErrorCode !== 0) {
        // A topic whose leaders are being elected is there; one that is said to be unknown is not.
        if (classify(createErrorFromCode(topic.topicErrorCode)) === 'missing')
          this.#topics.delete(topic.topic)
        else if (classify(createErrorFromCode(topic.topicErrorCode)) === 'fatal') {
          throw createErrorFromCode(topic.topicErrorCode)
        }
        continue
      }
      const leaders = new Map(topic.partitionMetadata.map(one => [one.partitionId, one.leader] as const))
      this.#topics.set(topic.topic, { leaders: new Map([...leaders].sort((a, b) => a[0] - b[0])) })
    }
  }

  /** A connected broker, whichever. */
  async any(): Promise<WireBroker> {
    for (const node of this.#nodes.values()) if (node.broker.isConnected()) return node.broker
    if (this.#seed?.broker.isConnected() === true) return this.#seed.broker
    let last: unknown
    for (let tried = 0; tried < this.#settings.brokers.length; tried++) {
      const [host, port] = splitAddress(this.#settings.brokers[this.#seedIndex]!)
      this.#seedIndex = (this.#seedIndex + 1) % this.#settings.brokers.length
      const node = openNode(this.#settings, this.#logger, host, port, null)
      try {
        await this.#connect(node)
        this.#seed = node
        return node.broker
      } catch (error) {
        last = error
      }
    }
    throw new Error(`No broker of ${this.#settings.brokers.join(', ')} can be reached: ${messageOf(last)}`, {
      cause: last,
    })
  }

  /** The broker with this ID, connected. */
  async node(id: number): Promise<WireBroker> {
    const known = this.#nodes.get(id)
    if (known !== undefined) {
      if (!known.broker.isConnected()) await this.#connect(known)
      return known.broker
    }
    if (!this.#addresses.has(id)) await this.refresh()
    const address = this.#addresses.get(id)
    if (address === undefined) throw new Error(`Broker ${id} is not part of the cluster at the moment.`)
    const node = this.#nodes.get(id) ?? openNode(this.#settings, this.#logger, address.host, address.port, id)
    this.#nodes.set(id, node)
    if (!node.broker.isConnected()) await this.#connect(node)
    return node.broker
  }

  async coordinator(groupId: string): Promise<WireBroker> {
    const answer = await this.call<{ coordinator: { nodeId: number } }>(
      await this.any(),
      'GroupCoordinator',
      { groupId },
    )
    return this.node(answer.coordinator.nodeId)
  }

  /**
   * Sends one request. `checked: false` leaves error codes inside the answer to the caller.
   * @throws what kafkajs makes of an error code (see `classify`), or the connection's failure; then the broker is dropped.
   */
  call<T>(
    broker: WireBroker,
    api: ApiName,
    parameters: object,
    options: { readonly checked?: boolean; readonly timeoutMs?: number } = {},
  ): Promise<T> {
    const request = broker.lookupRequest(apiKeys[api], definitions[api])(parameters)
    if (options.checked !== false) return this.send(broker, request, options.timeoutMs)
    const response = { decode: request.response.decode, parse: async (decoded: unknown) => decoded }
    return this.send(broker, { ...request, response }, options.timeoutMs)
  }

  async send<T>(
    broker: WireBroker,
    request: WireRequest,
    timeoutMs = this.#settings.requestTimeoutMs,
  ): Promise<T> {
    try {
      const sent = broker.connectionPool.send(request)
      return (await within(
        timeoutMs + (request.requestTimeout ?? 0),
        `${request.request.apiName} request`,
        sent,
      )) as T
    } catch (error) {
      const kind = classify(error)
      if (kind === 'broken' || kind === 'defect') this.drop(broker)
      throw error
    }
  }

  /** Throws the connections to a broker away; the next use makes new ones. */
  drop(broker: WireBroker): void {
    if (this.#seed?.broker === broker) this.#destroy(this.#seed)
    for (const node of [...this.#nodes.values()]) if (node.broker === broker) this.#destroy(node)
  }

  dropAll(): void {
    if (this.#seed !== null) this.#destroy(this.#seed)
    for (const node of [...this.#nodes.values()]) this.#destroy(node)
  }

  close(): void {
    this.#closed = true
    this.dropAll()
  }

  async #connect(node: Node): Promise<void> {
    if (this.#closed) throw new Error('The connection to Kafka is closed.')
    try {
      await within(
        this.#settings.connectTimeoutMs * 2,
        `Connecting to ${node.address}`,
        node.broker.connect(),
      )
    } catch (error) {
      this.#destroy(node)
      throw error
    }
    // Closed while it was connecting: nobody would ever destroy these sockets, and a request would open new ones.
    if (this.#closed) {
      this.#destroy(node)
      throw new Error('The connection to Kafka is closed.')
    }
  }

  #destroy(node: Node): void {
    if (this.#seed === node) this.#seed = null
    for (const [id, one] of this.#nodes) if (one === node) this.#nodes.delete(id)
    destroyNode(node)
  }
}

function splitAddress(address: string): [string, number] {
  const colon = address.lastIndexOf(':')
  return [address.slice(0, colon), Number(address.slice(colon + 1))]
}
