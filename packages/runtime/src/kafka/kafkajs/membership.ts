import type { TopicPartition } from '../port.js'
import { assignPartitions, type Candidate } from './assignor.js'
import { classify } from './failures.js'
import { MemberAssignment, MemberMetadata, type WireBroker } from './internals.js'
import type { Link } from './link.js'
import type { Settings } from './settings.js'

interface JoinAnswer {
  readonly generationId: number
  readonly leaderId: string
  readonly memberId: string
  readonly members: readonly { memberId: string; memberMetadata: Buffer }[]
}

export interface Membership {
  readonly memberId: string
  readonly generation: number
  readonly partitions: readonly TopicPartition[]
}

const PROTOCOL = 'unwind-sticky'
const PROTOCOL_TYPE = 'consumer'

/** The requests by which one member takes part in a group. Keeps the member ID; when to call what is the consumer's affair. */
export class GroupClient {
  #memberId = ''
  #generation = -1
  #coordinator: WireBroker | null = null

  constructor(
    readonly link: Link,
    /** Leaders and partition counts come over another connection: a join blocks its own until the group has formed. */
    readonly metadata: Link,
    readonly settings: Settings,
    readonly groupId: string,
    readonly topics: readonly string[],
    readonly instanceId: string | null,
  ) {}

  /**
   * Joins, and shares the partitions out when the group made this member its leader.
   * @param onFormed called when the new generation stands and this member's share is not known yet: from here on
   *   others may read what this member held.
   */
  async join(held: readonly TopicPartition[], onFormed: () => void): Promise<Membership> {
    for (const topic of this.topics) await this.metadata.topic(topic)
    const joined = await this.#join(held)
    onFormed()
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    const isLeader = joined.leaderId === joined.memberId
    const groupAssignment = isLeader ? await this.#share(joined) : []
    const answer = await this.#call<{ memberAssignment: Buffer }>('SyncGroup', {
      ...this.#identity(),
      generationId: joined.generationId,
      groupAssignment,
    })
    const assignment = MemberAssignment.decode(answer.memberAssignment)?.assignment ?? {}
    const partitions = Object.entries(assignment).flatMap(([topic, list]) =>
      list.map(partition => ({ topic, partition })),
    )
    return { memberId: joined.memberId, generation: joined.generationId, partitions }
  }

  async #join(held: readonly TopicPartition[]): Promise<JoinAnswer> {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.settings
    const request = () => ({
      ...this.#identity(),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      protocolType: PROTOCOL_TYPE,
      groupProtocols: [{ name: PROTOCOL, metadata: encodeMember(this.topics, held, this.#generation) }],
    })
    const timeoutMs = Math.max(sessionTimeoutMs, rebalanceTimeoutMs)
    try {
      return await this.#call<JoinAnswer>('JoinGroup', request(), timeoutMs)
    } catch (error) {
      // The broker gave an ID and wants it used, so that joins which were given up leave nothing behind.
      const memberId = assignedMemberId(error)
      if (memberId === null) throw error
      this.#memberId = memberId
      return this.#call<JoinAnswer>('JoinGroup', request(), timeoutMs)
    }
  }

  async #share(joined: JoinAnswer) {
    await this.metadata.refresh()
    const candidates = joined.members.map(one => decodeMember(one.memberId, one.memberMetadata))
    const partitions = new Map<string, readonly number[]>()
    for (const topic of new Set(candidates.flatMap(one => one.topics))) {
      partitions.set(topic, [...(await this.metadata.topic(topic)).leaders.keys()])
    }
    return [...assignPartitions(candidates, partitions)].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({ version: 1, assignment }),
    }))
  }

  async heartbeat(): Promise<void> {
    await this.#call(
      'Heartbeat',
      { ...this.#identity(), groupGenerationId: this.#generation },
      this.#heartbeatDeadline(),
    )
  }

  async commit(offsets: readonly (TopicPartition & { readonly next: bigint })[]): Promise<void> {
    const topics = new Map<string, { partition: number; offset: string; metadata: null }[]>()
    for (const { topic, partition, next } of offsets) {
      const entry = { partition, offset: String(next), metadata: null }
      topics.set(topic, [...(topics.get(topic) ?? []), entry])
    }
    await this.#call('OffsetCommit', {
      ...this.#identity(),
      groupGenerationId: this.#generation,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    })
  }

  /** Committed offsets by topic and partition; −1 where there is none. */
  async committed(
    partitions: readonly TopicPartition[],
  ): Promise<(TopicPartition & { readonly offset: bigint })[]> {
    const topics = [...new Set(partitions.map(one => one.topic))].map(topic => ({
      topic,
      partitions: partitions.filter(one => one.topic === topic).map(({ partition }) => ({ partition })),
    }))
    const answer = await this.#call<{
      responses: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]
    }>('OffsetFetch', { groupId: this.groupId, topics })
    return answer.responses.flatMap(({ topic, partitions: list }) =>
      list.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) })),
    )
  }

  /** Over the other connection: the group's own may be blocked by a join. */
  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const identity = this.#identity()
    this.forget()
    await this.metadata.call(await this.metadata.coordinator(this.groupId), 'LeaveGroup', identity)
  }

  /** The group went on without this member: it joins as a new one. */
  forget(): void {
    this.#memberId = ''
    this.#generation = -1
  }

  #identity() {
    return { groupId: this.groupId, memberId: this.#memberId, groupInstanceId: this.instanceId }
  }

  #heartbeatDeadline(): number {
    return Math.max(500, Math.round(this.settings.sessionTimeoutMs / 3))
  }

  async #call<T>(api: Parameters<Link['call']>[1], parameters: object, timeoutMs?: number): Promise<T> {
    try {
      this.#coordinator ??= await this.link.coordinator(this.groupId)
      const options = timeoutMs === undefined ? {} : { timeoutMs }
      return await this.link.call<T>(this.#coordinator, api, parameters, options)
    } catch (error) {
      const kind = classify(error)
      if (kind === 'broken' || kind === 'defect' || kind === 'moved') this.#coordinator = null
      throw error
    }
  }
}

function assignedMemberId(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'KafkaJSMemberIdRequired') return null
  return 'memberId' in error && typeof error.memberId === 'string' ? error.memberId : null
}

function encodeMember(
  topics: readonly string[],
  held: readonly TopicPartition[],
  generation: number,
): Buffer {
  const byTopic: Record<string, number[]> = {}
  for (const { topic, partition } of held) {
    byTopic[topic] ??= []
    byTopic[topic].push(partition)
  }
  const userData = Buffer.from(JSON.stringify({ held: byTopic, generation }))
  return MemberMetadata.encode({ version: 1, topics, userData })
}

function decodeMember(memberId: string, metadata: Buffer): Candidate {
  const { topics, userData } = MemberMetadata.decode(metadata)
  return { memberId, topics, ...said(userData) }
}

/** What a member held only spares moves: one that says nothing readable is served without it. */
function said(userData: Buffer | null): Pick<Candidate, 'held' | 'generation'> {
  const held: Record<string, number[]> = {}
  try {
    const parsed: unknown = JSON.parse(String(userData))
    if (typeof parsed !== 'object' || parsed === null) return { held, generation: -1 }
    const claims = 'held' in parsed && typeof parsed.held === 'object' ? parsed.held : null
    for (const [topic, list] of Object.entries(claims ?? {})) {
      if (Array.isArray(list)) held[topic] = list.filter(Number.isInteger)
    }
    return { held, generation: 'generation' in parsed ? Number(parsed.generation) : -1 }
  } catch {
    return { held, generation: -1 }
  }
}
