import type { LedgerEvent, Plan } from '@unwind/contracts'
import { type Coordinator, DEFAULT_STALL_OPTIONS, defaultPolicy } from '@unwind/core'
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
import { type ApiServer, startApi } from './api/server.js'
import { type BlastRadius, BlastRadiusSource } from './blast/blast-radius.js'
import { Catalogue } from './catalogue/catalogue.js'
import { patiently } from './catalogue/patience.js'
import { TrustedRecords } from './catalogue/trusted-records.js'
import { Checkpointer } from './checkpoints/index.js'
import { Claims } from './claims/claims.js'
import { ClaimsElsewhere, withClaims } from './claims/elsewhere.js'
import { ContractsView } from './contracts/contracts-view.js'
import { SystemFactsSource } from './facts/system-facts.js'
import { followLedger } from './ledger/follow.js'
import { LedgerLoop } from './ledger/loop.js'
import { createCoordinatorMetrics } from './metrics.js'
import { Approvals } from './operations/approvals.js'
import { Commands } from './operations/commands.js'
import { Proposals } from './operations/proposals.js'
import type { CoordinatorApiOptions, CoordinatorOptions, CoordinatorService } from './options.js'
import { LedgerReading } from './reading/ledger-reading.js'
import { type OpenView, openView } from './view/open-view.js'

const KEEP_MS = 45 * 86_400_000
const PLAN_WITHIN_MS = 10_000
const DRY_RUN_WITHIN_MS = 2_000
const VISIBLE_WITHIN_MS = 1_000

/** Plans, authorises, watches, closes; never on the way between a request and its effects. */
export function createCoordinator(options: CoordinatorOptions): CoordinatorService {
  const { log, registry, topics, key, trust, logger, onFatal } = options
  const now = options.now ?? Date.now
  const failpoint = options.failpoint ?? (async () => undefined)
  const metrics = options.metrics ?? createMetrics({}, { process: false })
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
      policy: options.policy ?? defaultPolicy(),
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
    const opened = await openView({
      ...shared,
      url,
      prefix,
      keepMs,
      groupId: `${group}.projector`,
      projected: numbers.projected,
      trusted: record => trust.verify(record).ok,
    })
    closers.push(() => opened.stop())

    const { view, actions, ledger } = opened
    const trusted = new TrustedRecords(opener, trust)
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
    const blastRadius = (plan: Plan) => blast.of(plan, DRY_RUN_WITHIN_MS)
    const reading = new LedgerReading({ view, ledger, actions, trusted })
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
      me.policy.claims.shared,
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
      owns: partition => follower.isLive({ topic: topics.rollback, partition }),
      logger,
      onFatal,
    })
    const loop = new LedgerLoop({
      me,
      claims,
      contracts: () => contracts.contracts,
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
    const follower = followLedger({
      ...shared,
      groupId: `${group}.coordinator`,
      opener,
      trust,
      loop: withClaims(loop, elsewhere),
      quarantine,
      refused: numbers.refused,
    })
    closers.push(() => elsewhere.stop())
    closers.push(async () => {
      loop.stop()
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
    running = { loop, opened }
    if (options.api) {
      const standing = {
        key,
        held: (rollbackId: string) => loop.stateOf(rollbackId),
        find: (rollbackId: string) => reading.rollback(rollbackId, true),
        send: (event: LedgerEvent) => sender.send(event),
        now,
      }
      const { policy } = me
      const proposals = new Proposals({
        ...standing,
        policy,
        contracts: () => contracts.contracts,
        actionsOf: correlationId => catalogue.actionsOf(correlationId, DRY_RUN_WITHIN_MS),
        blastRadius,
        known: rollbackId => reading.rollback(rollbackId, false).catch(() => null),
      })
      const approvals = new Approvals({ ...standing, policy, approverKey: options.api.approverKey ?? null })
      const commands = new Commands(standing)
      api = await serve(options.api, {
        proposals,
        commands,
        approvals,
        reading,
        loop,
        opened,
        contracts,
        blastRadius,
      })
    }
    logger.info({ group, ...(api ? { url: api.url } : {}) }, 'coordinator is following the ledger')
  }

  function serve(section: CoordinatorApiOptions, parts: Served): Promise<ApiServer> {
    const { loop, opened, contracts } = parts
    const { actions, ledger, view } = opened
    return startApi({
      host: section.host ?? '127.0.0.1',
      port: section.port ?? 0,
      token: section.token ?? null,
      actor: section.actor ?? 'user:api',
      metrics,
      logger,
      proposals: parts.proposals,
      commands: parts.commands,
      approvals: parts.approvals,
      reading: parts.reading,
      blastRadius: parts.blastRadius,
      actionsTopic: topics.actions,
      contracts: () => contracts.contracts,
      announced: () => contracts.announced,
      open: () => loop.openStates(),
      async visible(correlationId, offset) {
        // Reading one's own write is a courtesy: the proposal stands in the ledger, whatever the view does.
        await ledger.until(correlationId, offset + 1n, VISIBLE_WITHIN_MS).catch(() => undefined)
      },
      async changed(correlationId, signal) {
        await Promise.race([actions.changed(correlationId, signal), ledger.changed(correlationId, signal)])
      },
      remarks: () => (view.reachable ? [] : ['the Redis view is away: planning and reading wait']),
    })
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

interface Served {
  readonly proposals: Proposals
  readonly commands: Commands
  readonly approvals: Approvals
  readonly reading: LedgerReading
  readonly loop: LedgerLoop
  readonly opened: OpenView
  readonly contracts: ContractsView
  blastRadius(plan: Plan): Promise<BlastRadius>
}
