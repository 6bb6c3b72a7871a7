import type { AclRule } from '@unwind/contracts'
import type { LogAdmin, TopicState } from '../port.js'
import { createAcls } from './acls.js'
import { assertBrokers, type ConfigEntry } from './broker-settings.js'
import { classify, errorType } from './failures.js'
import { createErrorFromCode } from './internals.js'
import type { Link } from './link.js'
import { listOffsets, nameOf } from './list-offsets.js'
import type { Settings } from './settings.js'
import { Backoff } from './timing.js'
import { describeConfigs, type TopicSpecification, topicDifferences } from './topic-settings.js'

const PATIENCE_MS = 20_000
const BROKER = 4
const TOPIC = 2
const MAX_REPLICATION = 3

export class Admin implements LogAdmin {
  constructor(
    readonly link: Link,
    readonly settings: Settings,
  ) {}

  async applyTopics(topics: readonly TopicSpecification[]): Promise<readonly string[]> {
    const brokers = await this.#retry(async () => {
      await this.link.refresh()
      return this.link.brokerIds().length
    })
    const created: string[] = []
    for (const specification of topics) {
      if (await this.#create(specification, brokers)) created.push(specification.topic)
    }
    const problems: string[] = []
    for (const specification of topics) problems.push(...(await this.#differences(specification)))
    if (problems.length > 0) {
      throw new Error(
        `Topics are not as they must be. Nothing was changed on them:\n- ${problems.join('\n- ')}`,
      )
    }
    return created
  }

  async describeTopics(topics: readonly string[]): Promise<readonly TopicState[]> {
    return this.#retry(async () => {
      const states: TopicState[] = []
      for (const topic of topics)
        states.push({ topic, partitions: (await this.link.topic(topic)).leaders.size })
      return states
    })
  }

  async offsets(
    topic: string,
  ): Promise<ReadonlyMap<number, { readonly start: bigint; readonly end: bigint }>> {
    return this.#retry(async () => {
      const partitions = [...(await this.link.topic(topic)).leaders.keys()].map(partition => ({
        topic,
        partition,
      }))
      const [starts, ends] = await Promise.all([
        listOffsets(this.link, partitions, 'start'),
        listOffsets(this.link, partitions, 'end'),
      ])
      return new Map(
        partitions.map(one => [
          one.partition,
          { start: starts.get(nameOf(one))!, end: ends.get(nameOf(one))! },
        ]),
      )
    })
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, bigint | null>> {
    return this.#retry(async () => {
      const partitions = [...(await this.link.topic(topic)).leaders.keys()].map(partition => ({ partition }))
      const answer = await this.link.call<{
        responses: readonly { partitions: readonly { partition: number; offset: string }[] }[]
      }>(await this.link.coordinator(groupId), 'OffsetFetch', { groupId, topics: [{ topic, partitions }] })
      const found = answer.responses.flatMap(response => response.partitions)
      return new Map(
        found.map(({ partition, offset }) => [partition, BigInt(offset) < 0n ? null : BigInt(offset)]),
      )
    })
  }

  async members(groupId: string): Promise<{ readonly state: string; readonly clientIds: readonly string[] }> {
    return this.#retry(async () => {
      const answer = await this.link.call<{
        groups: readonly { state: string; members: readonly { clientId: string }[] }[]
      }>(await this.link.coordinator(groupId), 'DescribeGroups', { groupIds: [groupId] })
      const group = answer.groups[0]
      return { state: group?.state ?? 'Dead', clientIds: group?.members.map(member => member.clientId) ?? [] }
    })
  }

  async assertBrokerSettings(): Promise<void> {
    const described = await this.#retry(async () => {
      await this.link.refresh()
      const all: { broker: number; entries: readonly ConfigEntry[] }[] = []
      for (const id of this.link.brokerIds()) {
        all.push({
          broker: id,
          entries: await describeConfigs(this.link, await this.link.node(id), BROKER, String(id)),
        })
      }
      return all
    })
    assertBrokers(described, this.settings)
  }

  async applyAcls(rules: readonly AclRule[]): Promise<void> {
    await this.#retry(() => createAcls(this.link, rules))
  }

  async close(): Promise<void> {
    this.link.close()
  }

  /** @returns false when it was there already. */
  async #create({ topic, partitions, config }: TopicSpecification, brokers: number): Promise<boolean> {
    const replicationFactor = Math.min(MAX_REPLICATION, brokers)
    const durable = { 'min.insync.replicas': String(minInSync(replicationFactor)), ...config }
    const configEntries = Object.entries(durable).map(([name, value]) => ({ name, value }))
    return this.#retry(async () => {
      const request = {
        topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
        timeout: 8_000,
      }
      const answer = await this.link.call<{
        topicErrors: readonly { errorCode: number; errorMessage: string | null }[]
      }>(await this.link.any(), 'CreateTopics', request, { checked: false })
      const failure = answer.topicErrors.find(one => one.errorCode !== 0)
      if (failure === undefined) {
        await this.#awaitLeaders(topic, partitions)
        return true
      }
      const error = createErrorFromCode(failure.errorCode)
      if (errorType(error) === 'TOPIC_ALREADY_EXISTS') return false
      if (classify(error) !== 'fatal') throw error
      throw new Refused(`Topic "${topic}" cannot be created: ${failure.errorMessage ?? error.message}`)
    })
  }

  /** So that what is published right after `applyTopics` finds its partition. */
  async #awaitLeaders(topic: string, partitions: number): Promise<void> {
    const backoff = new Backoff(20, 200)
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      await this.link
        .topic(topic)
        .then(() => this.link.refresh())
        .catch(() => undefined)
      const leaders = [...(this.link.known(topic)?.leaders.values() ?? [])]
      if (leaders.length === partitions && leaders.every(leader => leader >= 0)) return
      if (Date.now() > deadline)
        throw new Error(`Topic "${topic}" was created, but has partitions without a leader.`)
      await backoff.wait()
    }
  }

  async #differences(specification: TopicSpecification): Promise<readonly string[]> {
    return this.#retry(async () => {
      const { leaders } = await this.link.topic(specification.topic)
      const entries = await describeConfigs(this.link, await this.link.any(), TOPIC, specification.topic)
      return topicDifferences(specification, leaders.size, entries)
    })
  }

  async #retry<T>(attempt: () => Promise<T>): Promise<T> {
    const backoff = new Backoff()
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        const kind = classify(error)
        const final =
          error instanceof Refused || kind === 'fatal' || kind === 'defect' || Date.now() > deadline
        if (final || (error instanceof Error && error.name === 'TopicMissing')) throw error
        await backoff.wait()
        await this.link.refresh().catch(() => undefined)
      }
    }
  }
}

class Refused extends Error {
  override readonly name = 'TopicRefused'
}

/** One replica may be missing without stopping writes; a single replica is all there is. */
export function minInSync(replicationFactor: number): number {
  return Math.max(1, replicationFactor - 1)
}
