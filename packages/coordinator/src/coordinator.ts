import type { TopicNames } from '@unwind/contracts'
import {
  type Coordinator,
  DEFAULT_STALL_OPTIONS,
  defaultPolicy,
  type Policy,
  type StallOptions,
} from '@unwind/core'
import {
  createEventOpener,
  createEventSender,
  createMetrics,
  createQuarantine,
  type EventLog,
  type EventRegistry,
  type LogAdmin,
  type Metrics,
  makeService,
  type Service,
  type SigningKey,
  type TrustStore,
} from '@unwind/runtime'
import { type ApiServer, startApi } from './api/server.js'
import { Catalogue } from './catalogue/catalogue.js'
import { EndOffsets } from './catalogue/end-offsets.js'
import { RecordSource } from './catalogue/record-source.js'
import { TrustedRecords } from './catalogue/trusted-records.js'
import { ContractsView } from './contracts/contracts-view.js'
import { SystemFactsSource } from './facts/system-facts.js'
import { followLedger } from './ledger/follow.js'
import { LedgerLoop } from './ledger/loop.js'
import { createCoordinatorMetrics } from './metrics.js'
import { Desk } from './operations/desk.js'
import { LedgerReading } from './reading/ledger-reading.js'
import { Projector } from './view/projector.js'
import { RedisView } from './view/redis-view.js'

export interface CoordinatorLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface CoordinatorApiOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default: any free one. */
  readonly port?: number
  /** Bearer token; absent: anyone who reaches the port. */
  readonly token?: string
  /** In whose name callers act who name nobody. Default "user:api". */
  readonly actor?: string
  /** Signs approvals that come through the API; its principal is the approver. */
  readonly approverKey?: SigningKey
}

export interface CoordinatorOptions {
  readonly log: EventLog
  readonly registry: EventRegistry
  readonly topics: TopicNames
  /** Has the role "coordinator". */
  readonly key: SigningKey
  readonly trust: TrustStore
  readonly view: {
    readonly url: string
    /** Before every key in Redis. */
    readonly prefix: string
    /** How long records stay after the last one of their correlation ID, milliseconds. Default 45 days. */
    readonly keepMs?: number
    /** How long planning waits for the view before it escalates, milliseconds. Default 10,000. */
    readonly planWithinMs?: number
  }
  readonly policy?: Policy
  readonly stall?: StallOptions
  /** Absent: no API. */
  readonly api?: CoordinatorApiOptions
  readonly metrics?: Metrics
  /** What the names of its consumer groups begin with; those of one name share the work. Default: the ledger's name. */
  readonly group?: string
  readonly logger: CoordinatorLogger
  /** Epoch ms. Default: the system's clock. */
  now?(): number
  /** It cannot go on; end the process and start it again: it finds its way from the ledger. */
  onFatal(error: Error): void
}

export interface CoordinatorService extends Service {
  /** Base URL of the API; null before the start, or without an API. */
  readonly apiUrl: string | null
  status(): { readonly open: number; readonly viewReachable: boolean; readonly viewWaiting: number }
}

const KEEP_MS = 45 * 86_400_000
const PLAN_WITHIN_MS = 10_000
const VISIBLE_WITHIN_MS = 1_000

/** Plans, authorises, watches, closes; never on the way between a request and its effects. */
export function createCoordinator(options: CoordinatorOptions): CoordinatorService {
  const { log, registry, topics, key, trust, logger, onFatal } = options
  const now = options.now ?? Date.now
  const closers: (() => unknown)[] = []
  const metrics = options.metrics ?? createMetrics({}, { process: false })
  let running: { loop: LedgerLoop; projector: Projector; view: RedisView } | undefined
  let api: ApiServer | undefined
  const numbers = createCoordinatorMetrics(metrics, () =>
    running
      ? {
          open: () => running!.loop.open,
          viewWaiting: () => running!.projector.waiting,
          viewReachable: () => running!.view.reachable,
        }
      : null,
  )

  async function start(): Promise<void> {
    if (!key.roles.includes('coordinator'))
      throw new Error(
        `key ${key.keyId} is ${key.principal} with the roles ${key.roles.join(', ')}: it takes coordinator`,
      )
    const me: Coordinator = {
      principal: key.principal,
      keyId: key.keyId,
      policy: options.policy ?? defaultPolicy(),
      stall: options.stall ?? DEFAULT_STALL_OPTIONS,
    }
    const opener = createEventOpener({ registry })
    const trusted = new TrustedRecords(opener, trust)
    const admin = await log.admin()
    closers.push(() => admin.close())
    const partitions = await partitionCounts(admin, topics)
    const sender = await createEventSender({ log, topics, registry, key, source: '/unwind/coordinator' })
    closers.push(() => sender.close())
    const contracts = new ContractsView({ log, topic: topics.contracts, opener, trust, logger, onFatal })
    closers.push(() => contracts.stop())
    await contracts.start()

    const view = new RedisView({
      url: options.view.url,
      prefix: options.view.prefix,
      keepMs: options.view.keepMs ?? KEEP_MS,
      logger,
    })
    closers.push(() => view.stop())
    await view.start()
    const sourceOf = (topic: string) =>
      new RecordSource({
        view,
        topic,
        partitionOf: id => log.partitionOf(id, partitions.get(topic)!),
        ends: new EndOffsets(() => admin.offsets(topic)),
        onWaiting: () => void projector.compareNow(),
        now,
      })
    const actions = sourceOf(topics.actions)
    const ledger = sourceOf(topics.rollback)
    const projector = new Projector({
      log,
      admin,
      view,
      groupId: `${options.group ?? topics.rollback}.projector`,
      topics: [topics.actions, topics.rollback],
      keepMs: options.view.keepMs ?? KEEP_MS,
      logger,
      onFatal,
      onProgress(topic, partition, _watermark, records) {
        ;(topic === topics.actions ? actions : ledger).moved(partition)
        if (records > 0) numbers.projected(topic, records)
      },
      now,
    })
    closers.push(() => projector.stop())
    await projector.start()

    const catalogue = new Catalogue(actions, trusted)
    const reading = new LedgerReading({ view, ledger, actions, trusted })
    const facts = new SystemFactsSource({
      admin,
      ledger: topics.rollback,
      announced: () => contracts.announced,
      groupOf: system => `${topics.rollback}.sidecar.${system}`,
      logger,
      now,
    })
    const actionsOf = (correlationId: string) =>
      catalogue.actionsOf(correlationId, options.view.planWithinMs ?? PLAN_WITHIN_MS)
    const groupId = `${options.group ?? topics.rollback}.coordinator`
    const quarantine = createQuarantine({ log, topics, groupId })
    closers.push(() => quarantine.close())
    const loop = new LedgerLoop({
      me,
      contracts: () => contracts.contracts,
      isLive: partition => follower.isLive({ topic: topics.rollback, partition }),
      send: (event, traceparent) =>
        sender.send(event, { traceparent }).catch(error => {
          facts.noteOutage()
          throw error
        }),
      actionsOf,
      factsOf: (systems, from) => facts.of(systems, from),
      historyOf: (correlationId, until) => reading.historyOf(correlationId, until),
      logger,
      metrics: numbers.loop,
      now,
    })
    const follower = followLedger({
      log,
      topics,
      groupId,
      opener,
      trust,
      loop,
      quarantine,
      logger,
      onFatal,
      refused: numbers.refused,
    })
    closers.push(async () => {
      loop.stop()
      await follower.stop()
    })
    await follower.start()
    running = { loop, projector, view }
    if (options.api) {
      const desk = new Desk({
        key,
        approverKey: options.api.approverKey ?? null,
        policy: me.policy,
        contracts: () => contracts.contracts,
        actionsOf,
        held: rollbackId => loop.stateOf(rollbackId),
        find: rollbackId => reading.rollback(rollbackId, true),
        send: event => sender.send(event),
        now,
      })
      api = await startApi({
        host: options.api.host ?? '127.0.0.1',
        port: options.api.port ?? 0,
        token: options.api.token ?? null,
        actor: options.api.actor ?? 'user:api',
        metrics,
        logger,
        desk,
        reading,
        actionsTopic: topics.actions,
        contracts: () => contracts.contracts,
        announced: () => contracts.announced,
        open: () => loop.openStates(),
        visible: async (correlationId, offset) => {
          await ledger.until(correlationId, offset + 1n, VISIBLE_WITHIN_MS).catch(() => undefined)
        },
        changed: async (correlationId, signal) => {
          await Promise.race([actions.changed(correlationId, signal), ledger.changed(correlationId, signal)])
        },
        readiness: () => null,
        remarks: () => (view.reachable ? [] : ['the Redis view is away: planning and reading wait']),
      })
      closers.push(() => api?.stop())
    }
    logger.info({ group: groupId, ...(api ? { url: api.url } : {}) }, 'coordinator is following the ledger')
  }

  const service = makeService({
    name: 'coordinator',
    start,
    // What is open is in the ledger: whoever comes next folds it. Only what was said must get out.
    async drain() {
      await api?.stop()
    },
    async stop() {
      for (const close of closers.splice(0).reverse())
        await Promise.resolve(close()).catch(error =>
          logger.warn({ reason: String(error) }, 'a part of the coordinator did not stop cleanly'),
        )
    },
  })
  return Object.defineProperties(service as CoordinatorService, {
    apiUrl: { get: () => api?.url ?? null },
    status: {
      value: () => ({
        open: running?.loop.open ?? 0,
        viewReachable: running?.view.reachable ?? false,
        viewWaiting: running?.projector.waiting ?? 0,
      }),
    },
  })
}

async function partitionCounts(admin: LogAdmin, topics: TopicNames): Promise<ReadonlyMap<string, number>> {
  const found = await admin.describeTopics([topics.actions, topics.rollback])
  return new Map(found.map(state => [state.topic, state.partitions]))
}
