import { hashText } from '@unwind/contracts'
import { connectKafkajs, type EventLog, type LogProducer } from '@unwind/runtime'
import {
  type Adapter,
  type AdapterContext,
  ContractError,
  type FenceRequest,
  type ProbeResult,
  type StepWork,
  type UndoPreview,
  type UndoResult,
} from '../../adapter/port.js'
import { Beginnings } from './beginnings.js'
import { Claims } from './claims.js'
import { classify, type Failure } from './failures.js'
import { type Item, itemsOf } from './item.js'
import { ReadBacks } from './read-back.js'
import { Reversal } from './reversal.js'
import { type Judged, type Scope, survey } from './survey.js'
import { connectionOf, type KafkaTarget, kafkaTarget } from './target.js'
import { Turns } from './turns.js'
import { differencesOf, isKept } from './verdict.js'

/** Names in `how`; the ledger is not the place for hundreds. */
const TOPICS_NAMED = 3

/** @throws ContractError when the contract does not fit, naming every key. */
export function createKafkaAdapter(context: AdapterContext): Adapter {
  return new KafkaAdapter(context, kafkaTarget(context.contract))
}

interface Connected {
  readonly log: EventLog
  readonly reads: ReadBacks
  readonly producer: LogProducer
  readonly partitions: ReadonlyMap<string, number>
  readonly claims: Claims | null
}

/**
 * Topics of a system. What was written stays written: an event is undone by a reversing event, and on a topic that keeps the newest
 * record of a key by what stood there before. Kafka cannot record our effect apart from the effect, but the record itself is both:
 * it carries an ID of the step, so reading the topic back tells whether it happened.
 */
class KafkaAdapter implements Adapter {
  readonly kind = 'kafka'
  readonly features = { atomicEffect: false, findsActions: false, fence: 'none' } as const
  readonly #turns = new Turns()
  readonly #beginnings = new Beginnings()
  #connected: Connected | null = null

  constructor(
    private readonly context: AdapterContext,
    private readonly target: KafkaTarget,
  ) {}

  async start(): Promise<void> {
    const { contract, log: logger } = this.context
    const { options, topics } = this.target
    const log = connectKafkajs({
      ...connectionOf(this.target),
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: (fields, message) => logger.warn(fields, message),
        error: (fields, message) => logger.error(fields, message),
      },
    })
    try {
      const admin = await log.admin()
      const states = await admin.describeTopics(topics)
      const partitions = new Map(states.map(state => [state.topic, state.partitions] as const))
      // One try a send: what is sent again after an unknown outcome, without a look in between, is there twice.
      const producer = await log.producer({ deliveryTimeoutMs: 0 })
      const reads = new ReadBacks(log)
      const { claims: topic, lease } = options
      const claims =
        topic === undefined ? null : new Claims(log, reads, producer, topic, partitions.get(topic)!, lease)
      this.#connected = { log, reads, producer, partitions, claims }
    } catch (error) {
      await log.close()
      const { message, hint } = classify(error, 'adapter.brokers', true)
      throw new ContractError(`contract ${contract.system} ${contract.version}: ${message}. ${hint}`)
    }
    logger.info({ topics }, 'kafka target reached')
  }

  /** A topic has no place for a mark, and does not know its records by correlation ID: nothing stops, nothing is found. */
  async fence(requests: readonly FenceRequest[]) {
    return requests.map(({ rollbackId }) => ({ kind: 'fenced', rollbackId, found: [] }) as const)
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    const connected = this.#connected
    if (!connected) return notStarted(work)
    const items = itemsOf(this.target, work, Date.now())
    if ('kind' in items) return items
    const { options } = this.target
    const reversal = new Reversal(connected, options, work, items, this.#scope(work, connected), {
      signal,
      failpoint: name => this.context.failpoint(name),
      now: Date.now,
      clock: () => performance.now(),
    })
    // Two calls for one step in this process: the second one finds what the first one sent.
    return this.#turns.take(work.key, () => reversal.run())
  }

  async probe(
    work: StepWork,
    signal: AbortSignal,
    patience: 'settle' | 'glance' = 'settle',
  ): Promise<ProbeResult> {
    const settleMs = patience === 'glance' ? 0 : this.target.options.within
    const found = await this.#survey(work, signal, settleMs)
    if ('kind' in found) return found
    const open = found.filter(({ verdict }) => verdict.kind !== 'restored')
    return {
      kind: 'seen',
      restored: found.length - open.length,
      expected: found.length,
      kept: open.filter(each => this.#kept(work, each)).length,
      digest: digestOf(found),
      differences: open.flatMap(({ item, verdict }) => [...differencesOf(item, verdict, 'restored')]),
      how: howOf(found.map(({ item }) => item)),
    }
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const found = await this.#survey(work, signal, 0)
    if ('kind' in found) return { items: 0, conflicts: [], problems: [`${found.message}. ${found.hint}`] }
    const newer = found.filter(({ verdict }) => verdict.kind === 'newer')
    const parked = newer.filter(({ item }) => (work.resolution ?? item.action.onConflict) === 'park')
    return {
      items: found.filter(({ verdict }) => verdict.kind === 'open').length + newer.length,
      conflicts: parked.flatMap(({ item, verdict }) => [...differencesOf(item, verdict, 'left')]),
      problems: found.flatMap(({ item, verdict }) =>
        verdict.kind === 'doubled' ? [`${item.name}: ${verdict.count} records carry the ID ${item.id}`] : [],
      ),
    }
  }

  async stop(): Promise<void> {
    const connected = this.#connected
    this.#connected = null
    await connected?.log.close()
  }

  async #survey(work: StepWork, signal: AbortSignal, settleMs: number): Promise<readonly Judged[] | Failure> {
    const connected = this.#connected
    if (!connected) return notStarted(work)
    const items = itemsOf(this.target, work, Date.now())
    if ('kind' in items) return items
    const limits = { timeoutMs: this.target.options.timeout * 3, settleMs, signal }
    return survey(connected, items, this.#scope(work, connected), limits, judged =>
      judged.every(each => each.verdict.kind === 'restored' || this.#kept(work, each)),
    )
  }

  #kept(work: StepWork, { item, verdict }: Judged): boolean {
    return isKept(verdict, work.resolution ?? item.action.onConflict)
  }

  /** A reversing record cannot be older than the step's first start, whoever sent it. */
  #scope(work: StepWork, { partitions }: Connected): Scope {
    const since = this.#beginnings.of(work, Date.now())
    return { partitions, since, skewMs: this.target.options.clockSkew }
  }
}

function notStarted(work: StepWork): Failure {
  return {
    kind: 'failed',
    code: 'transient',
    message: `rollback ${work.rollbackId}, step ${work.stepId}: the adapter is not connected`,
    hint: 'The sidecar is starting or stopping; the step is tried again.',
  }
}

function digestOf(found: readonly Judged[]): string {
  return hashText(JSON.stringify(found.map(({ item, verdict }) => [item.name, item.id, verdict.kind])))
}

function howOf(items: readonly Item[]): string {
  const topics = [...new Set(items.map(item => item.topic))]
  const more = topics.length > TOPICS_NAMED ? ` and ${topics.length - TOPICS_NAMED} more` : ''
  return `read ${topics.slice(0, TOPICS_NAMED).join(', ')}${more} back to the end, by record ID and key`
}
