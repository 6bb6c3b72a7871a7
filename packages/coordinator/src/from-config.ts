import { topicNames } from '@unwind/contracts'
import { defaultPolicy } from '@unwind/core'
import {
  connectKafkajs,
  createMetrics,
  type Failpoint,
  kafkaOptions,
  loadSigningKey,
  type Metrics,
  makeService,
  openRegistry,
  registryOptions,
  type SigningKey,
  TrustStore,
} from '@unwind/runtime'
import { witnessOf } from './checkpoints/index.js'
import { type CoordinatorConfig, KAFKA_LIMITS } from './config.js'
import { createCoordinator } from './coordinator.js'
import { escalationOptions } from './escalation/from-section.js'
import { identityOf } from './identity/from-section.js'
import { fixedPolicy, PolicyFile } from './operations/policy-source.js'
import type { CoordinatorLogger, CoordinatorService } from './options.js'

export interface FromConfigContext {
  readonly logger: CoordinatorLogger
  readonly metrics?: Metrics
  /** Crash points. Default: none. */
  readonly failpoint?: Failpoint
  /** It cannot go on; end the process and start it again: it finds its way from the ledger. */
  onFatal(error: Error): void
}

/**
 * The coordinator of a process, with everything that it stands on. Nothing connects before it starts.
 * @throws Error at start, naming the key of the configuration or the server that is wrong.
 */
export function coordinatorFromConfig(
  config: CoordinatorConfig,
  context: FromConfigContext,
): CoordinatorService {
  const { logger, onFatal, failpoint } = context
  const metrics = context.metrics ?? createMetrics()
  let inner: CoordinatorService | undefined
  let closeLog: () => Promise<void> = async () => undefined
  const service = makeService({
    name: 'coordinator',
    async start() {
      const { keyFile, trustFile } = config.signing
      if (keyFile === undefined || trustFile === undefined)
        throw new Error(
          `signing.${keyFile === undefined ? 'keyFile' : 'trustFile'} is not set: the coordinator signs what it says and believes only whom it knows (unwind keys generate)`,
        )
      const key = loadSigningKey(keyFile)
      const trust = TrustStore.load(trustFile, logger)
      const approverKey =
        config.api.approverKeyFile === undefined ? null : loadSigningKey(config.api.approverKeyFile)
      const policy =
        config.policy.file === undefined
          ? fixedPolicy({ ...defaultPolicy(), environment: config.policy.environment ?? '' })
          : new PolicyFile(config.policy.file, logger, config.policy.environment)
      const topics = topicNames(config.topics.prefix)
      const log = connectKafkajs({
        ...kafkaOptions(config.kafka, { clientId: 'coordinator', logger }),
        ...KAFKA_LIMITS,
        ...(failpoint ? { failpoint } : {}),
      })
      closeLog = () => log.close()
      const registry = await openRegistry({ ...registryOptions(config.registry), topics })
      inner = createCoordinator({
        log,
        registry,
        topics,
        key,
        trust,
        view: {
          url: config.redis.url,
          prefix: config.view.prefix ?? config.topics.prefix,
          keepMs: config.view.keepDays * 86_400_000,
          planWithinMs: config.view.planWithinMs,
          maxRecords: config.view.maxRecords,
        },
        policy,
        stall: config.watch,
        checkpoints: {
          everyRecords: config.checkpoints.everyRecords,
          everyMs: config.checkpoints.everyMs,
          ...(config.checkpoints.witness === undefined
            ? {}
            : { witness: witnessOf(config.checkpoints.witness) }),
        },
        escalation: escalationOptions(config.escalation, {
          apiUrl: `http://${config.api.host}:${config.api.port}`,
          now: Date.now,
        }),
        aftermath: config.aftermath,
        api: {
          host: config.api.host,
          port: config.api.port,
          actor: config.api.actor,
          requestsPerSecond: config.api.requestsPerSecond,
          ...(config.api.token === undefined ? {} : { token: config.api.token }),
          ...(approverKey ? { approverKey } : {}),
          ...(config.api.voucherKeyFile === undefined
            ? {}
            : { voucherKey: voucherKeyOf(config.api.voucherKeyFile) }),
          ...(config.api.identity ? { identity: identityOf(config.api.identity) } : {}),
        },
        metrics,
        logger,
        onFatal,
        ...(failpoint ? { failpoint } : {}),
      })
      await inner.start()
    },
    drain: async () => inner?.drain(),
    async stop() {
      await inner?.stop()
      await closeLog()
    },
  })
  return Object.defineProperties(service as CoordinatorService, {
    apiUrl: { get: () => inner?.apiUrl ?? null },
    status: { value: () => inner?.status() ?? { open: 0, viewReachable: false, viewWaiting: 0 } },
  })
}

/** @throws Error when its role is another: a coordinator's own key must not sign for people. */
function voucherKeyOf(file: string): SigningKey {
  const key = loadSigningKey(file)
  if (key.roles.includes('voucher')) return key
  throw new Error(
    `api.voucherKeyFile: key ${key.keyId} of ${key.principal} has the roles ${key.roles.join(', ')}, it takes voucher (unwind keys generate voucher:<name> --role voucher)`,
  )
}
