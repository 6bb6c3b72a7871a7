import { type Contract, peekHeaders, type TopicNames, type UnwindEvent } from '@unwind/contracts'
import type { Participant } from '@unwind/core'
import {
  createAuthority,
  createEventOpener,
  createEventSender,
  createFollower,
  type EventLog,
  type EventRegistry,
  type EventSender,
  type Follower,
  type FollowerOptions,
  partitionHistory,
  type SigningKey,
  type TrustStore,
  withFailpoints,
} from '@unwind/runtime'
import type { Adapter, AdapterContext } from './adapter/port.js'
import { type AdapterFactory, createAdapter } from './adapters/factories.js'
import { announcements } from './loop/announce.js'
import { ledgerHistory } from './loop/ledger-history.js'
import { SidecarLoop } from './loop/loop.js'
import { Relay } from './loop/relay.js'

/** A contract as it was read: what the code acts by, what is published, and the hash that plans name. */
export interface LoadedContract {
  /** With variables filled in. */
  readonly contract: Contract
  /** Canonical JSON with variables as they were written: no secret leaves this process. */
  readonly document: string
  /** SHA-256 of the document, hex. */
  readonly hash: string
}

export interface SidecarOptions {
  readonly contract: LoadedContract
  readonly log: EventLog
  readonly registry: EventRegistry
  readonly topics: TopicNames
  /** Its principal speaks for the contract's system. */
  readonly key: SigningKey
  readonly trust: TrustStore
  /** Names the process, e.g. host and PID. */
  readonly instance: string
  /** A name that outlives a restart and that no other process has: it takes its partitions back at once, without a rebalance. */
  readonly instanceId?: string
  readonly logger: AdapterContext['log']
  /** Steps that may be under way at once. Default 32. */
  readonly concurrency?: number
  readonly adapters?: Readonly<Record<string, AdapterFactory>>
  readonly metrics?: SidecarMetrics
  failpoint?(name: string): Promise<void>
  /** It cannot go on; end the process and start it again: it finds its way from the ledger. */
  onFatal(error: Error): void
}

export interface SidecarMetrics {
  attempt(outcome: string, durationMs: number): void
  relayed(actions: number): void
  refused(code: string): void
}

export interface Sidecar {
  readonly system: string
  /** @throws ContractError when target and contract do not fit; nothing has been changed then. */
  start(): Promise<void>
  /** Takes nothing new and lets running attempts end. */
  drain(): Promise<void>
  stop(): Promise<void>
  status(): { readonly rollbacks: number; readonly attempts: number }
}

const DRAIN_MS = 10_000
/**
 * An outcome is tried until the ledger has it: the effect is there, and nobody else knows of it. Giving it up would end this process
 * only to have the next one find the same broker away. A copy that arrives late is folded once (I2).
 */
const UNTIL_WRITTEN_MS = Number.POSITIVE_INFINITY
const NO_METRICS: SidecarMetrics = { attempt() {}, relayed() {}, refused() {} }

/** The sidecar of one system: reads the ledger, undoes and proves, and relays what its target captures. */
export function createSidecar(options: SidecarOptions): Sidecar {
  const { contract } = options.contract
  const { system } = contract
  const metrics = options.metrics ?? NO_METRICS
  const failpoint = options.failpoint ?? (async () => {})
  let adapter: Adapter | undefined
  let parts: Parts | undefined

  return {
    system,
    async start() {
      if (!options.key.systems.includes(system))
        throw new Error(
          `key ${options.key.keyId} is ${options.key.principal}: it does not speak for system ${system}`,
        )
      adapter = await createAdapter(
        { contract, actionContract: action => contract.actions[action], log: options.logger, failpoint },
        options.adapters,
      )
      await adapter.start()
      parts = await startParts(adapter)
      await failpoint('sidecar.before-announcing')
      for (const event of announcements(options.contract, who(), Date.now())) {
        await parts.sender.send(event)
        await failpoint(
          event.type === 'ContractPublished' ? 'sidecar.contract-published' : 'sidecar.announced',
        )
      }
      await parts.follower.start()
      parts.relay?.start()
      options.logger.info(
        { system, contract: contract.version, hash: options.contract.hash },
        'sidecar is following the ledger',
      )
    },
    async drain() {
      await parts?.relay?.stop()
      await parts?.loop.drain(DRAIN_MS)
    },
    async stop() {
      await parts?.relay?.stop()
      await parts?.follower.stop()
      await parts?.loop.drain(0)
      await parts?.sender.close()
      await adapter?.stop()
    },
    status: () => parts?.loop.open ?? { rollbacks: 0, attempts: 0 },
  }

  function who() {
    return { principal: options.key.principal, instance: options.instance }
  }

  async function startParts(adapter: Adapter): Promise<Parts> {
    const { log, registry, topics, key } = options
    const plain = await createEventSender({
      log,
      topics,
      registry,
      key,
      trust: options.trust,
      source: `/unwind/sidecar/${system}`,
      deliveryTimeoutMs: UNTIL_WRITTEN_MS,
    })
    const sender = withFailpoints(plain, failpoint)
    // Captured actions come in bulk; on a producer of their own they do not stand before outcomes in the queue.
    const relaySender = adapter.capture
      ? await createEventSender({ log, topics, registry, key, source: `/unwind/sidecar/${system}` })
      : sender
    const taking = takingOf(options)
    const follower: Follower = createLedgerFollower(taking, () => loop)
    const loop = new SidecarLoop({
      me: participant(adapter),
      adapter,
      concurrency: options.concurrency ?? 32,
      send: (event, traceparent) => sender.send(event, { traceparent }),
      ...(adapter.features.recordsCompensations
        ? {}
        : { recordAction: (event, traceparent) => sender.send(event, { traceparent }) }),
      isLive: partition => follower.isLive({ topic: topics.rollback, partition }),
      history: ledgerHistory({
        ...taking,
        records: (partition, timestampMs, until, signal) =>
          partitionHistory({
            log,
            partition: { topic: topics.rollback, partition },
            from: { timestampMs },
            until,
            signal,
          }),
      }),
      failpoint,
      onFatal: options.onFatal,
      logger: options.logger,
      metrics,
      now: Date.now,
    })
    const { principal } = key
    const relay = adapter.capture
      ? new Relay({
          system,
          principal,
          source: adapter.capture,
          send: event => relaySender.send(event),
          logger: options.logger,
          metrics,
          failpoint,
        })
      : null
    return { sender: both(sender, relaySender), follower, loop, relay }
  }

  function participant({ features }: Adapter): Participant {
    const fallback = { attempts: 5, initial: 200, max: 30_000 }
    return {
      system,
      ...who(),
      contractVersion: contract.version,
      contractHash: options.contract.hash,
      retryOf: action => contract.actions[action]?.retry ?? fallback,
      fences: features.fence !== 'none' || features.findsActions,
      atomicEffect: features.atomicEffect,
    }
  }

  function createLedgerFollower(taking: Taking, loop: () => SidecarLoop): Follower {
    const { log, topics, logger } = options
    return createFollower({
      log,
      groupId: `${topics.rollback}.sidecar.${system}`,
      topics: [topics.rollback],
      ...(options.instanceId === undefined ? {} : { instanceId: options.instanceId }),
      logger,
      ...taking,
      wants: (peek, record) => loop().wants(peek, record),
      onEvent: followed => loop().onEvent(followed),
      onRefused(record, { code, message }) {
        // Nothing is undone on the word of such a record. The coordinator quarantines it, once, and alarms.
        metrics.refused(code)
        const { topic, partition, offset, key } = record
        logger.error(
          { topic, partition, offset: String(offset), correlationId: key, system, code },
          `record refused: ${message}`,
        )
      },
      onLive: ({ partition }) => loop().onLive(partition),
      onReleased: ({ partition }) => loop().onReleased(partition),
      oldestNeeded: ({ partition }) => loop().oldestNeeded(partition),
      onFatal: options.onFatal,
    })
  }
}

interface Parts {
  readonly sender: EventSender
  readonly follower: Follower
  readonly loop: SidecarLoop
  readonly relay: Relay | null
}

/** How a record of the ledger becomes an event that counts: as it comes, and when history is read again. */
type Taking = Pick<FollowerOptions, 'peek' | 'open' | 'verify' | 'admit'>

function takingOf({ registry, trust }: SidecarOptions): Taking {
  const opener = createEventOpener({ registry, trust })
  const admit = createAuthority(trust)
  return {
    peek: record => peekHeaders(record.headers),
    open: record => opener.open(record),
    verify: record => trust.verify(record),
    admit: (event: UnwindEvent, signer, record) => admit(event, signer, record),
  }
}

function both(first: EventSender, second: EventSender): EventSender {
  if (first === second) return first
  return {
    send: (event, sendOptions) => first.send(event, sendOptions),
    flush: async () => void (await Promise.all([first.flush(), second.flush()])),
    close: async () => void (await Promise.all([first.close(), second.close()])),
  }
}
