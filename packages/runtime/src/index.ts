export { describeConfig } from './config/describe-config.js'
export { type ConfigKey, keysOf, variableOf } from './config/keys.js'
export { ConfigError, type ConfigSources, loadConfig } from './config/load-config.js'
export * from './config/sections.js'
export * from './events/index.js'
export { withFailpoints } from './failpoint/around-sender.js'
export {
  between,
  createFailpoints,
  FAILPOINTS_VARIABLE,
  type Failpoint,
  FailpointHit,
} from './failpoint/failpoint.js'
export { CLIENT_FAILPOINTS, COORDINATOR_FAILPOINTS, SIDECAR_FAILPOINTS } from './failpoint/names.js'
export * from './follower/follower.js'
export { connectKafkajs } from './kafka/kafkajs/connect.js'
export { partitionOf } from './kafka/kafkajs/murmur2.js'
export { Pace, type PaceOptions } from './kafka/kafkajs/pace.js'
export type { DriverLog, KafkajsOptions, Sasl } from './kafka/kafkajs/settings.js'
export { type HistoryOptions, partitionHistory } from './kafka/partition-history.js'
export * from './kafka/port.js'
export { NODE_FLAGS } from './lifecycle/node-flags.js'
export {
  type ProcessContext,
  type ProcessHost,
  type Running,
  type RunProcessOptions,
  runProcess,
} from './lifecycle/run-process.js'
export {
  composeServices,
  makeService,
  type Service,
  type ServiceParts,
  StoppedBeforeStart,
} from './lifecycle/service.js'
export * from './net/address.js'
export { Recent } from './recent.js'
export * from './registry/index.js'
export * from './signing/index.js'
export { LOG_FIELDS, withoutCredentials } from './telemetry/fields.js'
export {
  createLogger,
  LOG_LEVELS,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from './telemetry/logger.js'
export { createMetrics, type Metrics } from './telemetry/metrics.js'
export { type ProbeServer, type ProbeServerOptions, startProbeServer } from './telemetry/probe-server.js'
export * from './timers.js'
