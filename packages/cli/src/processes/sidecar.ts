import { hostname } from 'node:os'
import { topicNames } from '@unwind/contracts'
import {
  type BaseConfig,
  connectKafkajs,
  type Failpoint,
  kafkaOptions,
  type Logger,
  loadSigningKey,
  type Metrics,
  makeService,
  openRegistry,
  type ProbeServer,
  registryOptions,
  type Service,
  startProbeServer,
  TrustStore,
} from '@unwind/runtime'
import { createSidecar, type LoadedContract, type Sidecar } from '@unwind/sidecar'

export interface SidecarProcess {
  readonly contract: LoadedContract
  readonly config: BaseConfig
  /** Private key whose holder speaks for the system. */
  readonly keyFile: string
  readonly trustFile: string
  readonly concurrency: number
  readonly logger: Logger
  readonly metrics: Metrics
  readonly failpoint: Failpoint
  onFatal(error: Error): void
}

/** One sidecar with all that it stands on: Kafka, registry, keys, probes. */
export function sidecarService(options: SidecarProcess): Service {
  const { config, contract, logger } = options
  const { system } = contract.contract
  const topics = topicNames(config.topics.prefix)
  const log = connectKafkajs({
    ...kafkaOptions(config.kafka, { clientId: `unwind-sidecar-${system}`, logger }),
    failpoint: options.failpoint,
  })
  let sidecar: Sidecar | undefined
  let probes: ProbeServer | undefined
  let ready = false
  return makeService({
    name: `sidecar ${system}`,
    async start() {
      const key = loadSigningKey(options.keyFile)
      const trust = TrustStore.load(options.trustFile, logger)
      const registry = await openRegistry({ ...registryOptions(config.registry), topics })
      const attempts = options.metrics.histogram('step_attempt_seconds', 'Attempts of steps, by outcome.', [
        'outcome',
      ])
      const relayed = options.metrics.counter(
        'actions_relayed_total',
        'Captured actions that were published.',
      )
      const refused = options.metrics.counter('records_refused_total', 'Records that nobody may act on.', [
        'code',
      ])
      sidecar = createSidecar({
        contract,
        log,
        registry,
        topics,
        key,
        trust,
        instance: `${hostname()}/${process.pid}`,
        ...(config.kafka.instanceId === undefined ? {} : { instanceId: config.kafka.instanceId }),
        logger,
        concurrency: options.concurrency,
        failpoint: options.failpoint,
        metrics: {
          attempt: (outcome, durationMs) => attempts.observe({ outcome }, durationMs / 1_000),
          relayed: actions => relayed.inc(actions),
          refused: code => refused.inc({ code }),
        },
        onFatal: options.onFatal,
      })
      probes = await startProbeServer({
        metrics: options.metrics,
        readiness: () => (ready ? null : `sidecar ${system} does not follow the ledger yet`),
        host: config.probes.host,
        port: config.probes.port,
      })
      logger.info({ system, url: probes.url }, 'probes are served')
      await sidecar.start()
      ready = true
    },
    async drain() {
      ready = false
      await sidecar?.drain()
    },
    async stop() {
      ready = false
      await sidecar?.stop()
      await probes?.stop()
      await log.close()
    },
  })
}
