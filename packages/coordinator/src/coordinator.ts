import type { LedgerEvent, Plan } from '@unwind/contracts'
import { type Coordinator, DEFAULT_STALL_OPTIONS } from '@unwind/core'
import {
  between,
  createEventOpener,
  createEventSender,
  createMetrics,
  createQuarantine,
  makeService,
  type Quarantine,
  withFailpoints,
} from '@unwind/runtime'
import { startAftermath } from './aftermath/index.js'
import type { ApiServer } from './api/server.js'
import { BlastRadiusSource } from './blast/blast-radius.js'
import { Catalogue } from './catalogue/catalogue.js'
import { patiently } from './catalogue/patience.js'
import { TrustedRecords } from './catalogue/trusted-records.js'
import { Checkpointer } from './checkpoints/index.js'
import { Claims } from './claims/claims.js'
import { ClaimsElsewhere, withClaims } from './claims/elsewhere.js'
import { ContractsView } from './contracts/contracts-view.js'
import { besideLoop } from './escalation/beside-loop.js'
import { EscalationDesk } from './escalation/desk.js'
import { SystemFactsSource } from './facts/system-facts.js'
import { createSecurityEvents } from './identity/security-events.js'
import { Sightings } from './identity/sightings.js'
import { standingNow } from './identity/standing.js'
import { followLedger } from './ledger/follow.js'
import { LedgerLoop } from './ledger/loop.js'
import { createCoordinatorMetrics } from './metrics.js'
import { openApi } from './open-api.js'
import { fixedPolicy, type PolicySource } from './operations/policy-source.js'
import type { CoordinatorOptions, CoordinatorService } from './options.js'
import { LedgerReading } from './reading/ledger-reading.js'
import { indexEntry, tells } from './view/index-entry.js'
import { type OpenView, openView } from './view/open-view.js'

const KEEP_MS = 45 * 86_400_000
const PLAN_WITHIN_MS = 10_000
const DRY_RUN_WITHIN_MS = 2_000

/** Plans, authorises, watches, closes; never on the way between a request and its effects. */
export function createCoordinator(options: CoordinatorOptions): CoordinatorService {
  const { log, registry, topics, key, trust, logger, onFatal } = options
  const now = options.now ?? Date.now
  const failpoint = options.failpoint ?? (async () => undefined)
  const metrics = options.metrics ?? createMetrics({}, { process: false })
  const policies: PolicySource =
    options.policy && 'current' in options.policy ? options.policy : fixedPolicy(options.policy)
  const security = createSecurityEvents(metrics, logger)
  const sightings = new Sightings()
  /** In the order in which they were opened. */
  const closers: (() => unknown)[] = []
  let running: { readonly loop: LedgerLoop; readonly opened: OpenView } | undefined
  let api: ApiServer | undefined
  const status = () => ({
    open: running?.loop.open ?? 0,
    viewReachable: running?.opened.view.reachable ?? false,
    viewWaiting: running?.opened.projector.waiting ?? 0,
  })
  const numbers = createCoordinatorMetrics(metrics, {
    open: () => status().open,
    viewWaiting: () => status().viewWaiting,
    viewReachable: () => status().viewReachable,
    viewLag: async () => (running ? running.opened.lag() : new Map()),
  })

  async function start(): Promise<void> {
    if (!key.roles.includes('coordinator'))
      throw new Error(
        `key ${key.keyId} is ${key.principal} with the roles ${key.roles.join(', ')}: a coordinator's key has the role coordinator`,
      )
    const group = options.group ?? topics.rollback
    const me: Coordinator = {
      principal: key.principal,
      keyId: key.keyId,
      get policy() {
        return policies.current()
      },
      stall: options.stall ?? DEFAULT_STALL_OPTIONS,
    }
    const opener = createEventOpener({ registry, trust })
    const admin = await log.admin()
    closers.push(() => admin.close())
    await admin.assertBrokerSettings()
    const source = '/unwind/coordinator'
    const sender = withFailpoints(
      await createEventSender({ log, topics, registry, key, trust, source }),
      failpoint,
    )
    closers.push(() => sender.close())
    const contracts = new ContractsView({ log, topic: topics.contracts, opener, trust, logger, onFatal })
    closers.push(() => contracts.stop())
    await contracts.start()
    const { url, prefix, keepMs = KEEP_MS, planWithinMs = PLAN_WITHIN_MS } = options.view
    const shared = { log, admin, topics, logger, now, onFatal, failpoint }
    const trusted = new TrustedRecords(opener, trust)
    const opened = await openView({
      ...shared,
      url,
      prefix,
      keepMs,
      groupId: `${group}.projector`,
      projected: numbers.projected,
      trusted: record => trust.verify(record).ok,
      ...(options.view.maxRecords === undefined ? {} : { maxRecords: options.view.maxRecords }),
      async indexed(record) {
        if (!tells(record)) return null
        const taken = await trusted.take(record)
        return taken.kind === 'event'
          ? indexEntry(taken.event as LedgerEvent, record.timestamp, keepMs)
          : null
      },
    })
    closers.push(() => opened.stop())

    const { view, actions, ledger } = opened
    const catalogue = new Catalogue(
      actions,
      trusted,
      async id => (await reading.rollback(id, false)) !== null,
    )
    const blast = new BlastRadiusSource({
      view,
      topic: topics.actions,
      partitionOf: opened.actionsPartitionOf,
      ends: opened.actionEnds,
      trusted,
      now,
    })
    const reading = new LedgerReading({ index: view.index, ledger, actions, trusted })
    const facts = new SystemFactsSource({
      ...shared,
      ledger: topics.rollback,
      announced: () => contracts.announced,
      groupOf: system => `${topics.rollback}.sidecar.${system}`,
    })
    const aside = createQuarantine({ log, topics, groupId: `${group}.coordinator` })
    closers.push(() => aside.close())
    const quarantine: Quarantine = {
      ...aside,
      quarantine: (...refused) =>
        between(failpoint, 'quarantine.before', 'quarantine.after', () => aside.quarantine(...refused)),
    }
    const claims = new Claims(
      () => me.policy.claims.shared,
      () => elsewhere.complete,
      (rollbackId, { rollbackId: other, on }) =>
        logger.warn({ rollbackId, other, on }, 'two rollbacks run on the same resource at once'),
    )
    const elsewhere = new ClaimsElsewhere({
      log,
      admin,
      topic: topics.rollback,
      groupId: `${group}.coordinator`,
      trusted,
      claims,
      historyOf: (correlationId, until) => reading.historyOf(correlationId, until),
      owns: partition => follower.isLive({ topic: topics.rollback, partition }),
      logger,
      onFatal,
    })
    const loop = new LedgerLoop({
      me,
      claims,
      contracts: () => contracts.contracts,
      people: {
        standing: standingNow(trust, sightings, now),
        shown: principal => sightings.of(principal),
      },
      isLive: partition => follower.isLive({ topic: topics.rollback, partition }),
      async send(event, traceparent) {
        try {
          await sender.send(event, { traceparent })
        } catch (error) {
          facts.noteOutage()
          throw error
        }
      },
      actionsOf: correlationId =>
        between(failpoint, 'planner.before-read', 'planner.after-read', () =>
          patiently(planWithinMs, now, () => catalogue.actionsOf(correlationId, planWithinMs)),
        ),
      factsOf: (systems, from) =>
        between(failpoint, 'watcher.before-look', 'watcher.after-look', () => facts.of(systems, from)),
      historyOf: (correlationId, until) => reading.historyOf(correlationId, until),
      logger,
      metrics: numbers.loop,
      now,
    })
    const desk = options.escalation
      ? new EscalationDesk({
          ...options.escalation,
          principal: key.principal,
          policy: () => policies.current(),
          contracts: () => contracts.contracts,
          isLive: partition => follower.isLive({ topic: topics.rollback, partition }),
          send: event => sender.send(event),
          isOurs: partition => follower.isOurs({ topic: topics.rollback, partition }),
          historyOf: (correlationId, until) => reading.historyOf(correlationId, until),
          failpoint,
          delivered: numbers.noticed,
          logger,
          now,
        })
      : null
    const follower = followLedger({
      ...shared,
      groupId: `${group}.coordinator`,
      opener,
      trust,
      loop: withClaims(desk ? besideLoop(loop, desk) : loop, elsewhere),
      quarantine,
      refused(code) {
        numbers.refused(code)
        if (code === 'unauthorised')
          security.report('record-refused', { code }, 'a record of the ledger was refused')
      },
    })
    closers.push(() => elsewhere.stop())
    closers.push(async () => {
      loop.stop()
      await desk?.stop()
      await follower.stop()
    })
    await Promise.all([follower.start(), elsewhere.start()])
    if (options.checkpoints) {
      const [state] = await admin.describeTopics([topics.checkpoints])
      const checkpointer = new Checkpointer({
        ...shared,
        ...options.checkpoints,
        ledger: topics.rollback,
        topic: topics.checkpoints,
        partitions: state!.partitions,
        groupId: `${group}.checkpoints`,
        opener,
        trust,
        key,
        sender,
      })
      closers.push(() => checkpointer.stop())
      await checkpointer.start()
    }
    if (options.aftermath) {
      const parts = { ...shared, opener, trust, key, sender, reading, catalogue, contracts }
      const groupId = `${group}.aftermath`
      closers.push(await startAftermath({ ...parts, ...options.aftermath, groupId, withinMs: planWithinMs }))
    }
    running = { loop, opened }
    if (options.api)
      api = await openApi(options.api, {
        key,
        trust,
        topics,
        me,
        policies,
        security,
        sightings,
        metrics,
        logger,
        now,
        sender,
        contracts,
        opened,
        loop,
        nextOf: partition => follower.next({ topic: topics.rollback, partition }),
        reading,
        facts,
        actionsOf: correlationId => catalogue.actionsOf(correlationId, DRY_RUN_WITHIN_MS),
        blastRadius: (plan: Plan) => blast.of(plan, DRY_RUN_WITHIN_MS),
      })
    logger.info({ group, ...(api ? { url: api.url } : {}) }, 'coordinator is following the ledger')
  }

  const service = makeService({
    name: 'coordinator',
    start,
    // What is open is in the ledger: whoever comes next folds it. Only callers have to be let go.
    drain: async () => api?.stop(),
    async stop() {
      await api?.stop()
      for (const close of closers.splice(0).reverse())
        try {
          await close()
        } catch (error) {
          logger.warn({ reason: String(error) }, 'a part of the coordinator did not stop cleanly')
        }
    },
  })
  return Object.defineProperties(service as CoordinatorService, {
    apiUrl: { get: () => api?.url ?? null },
    status: { value: status },
  })
}
