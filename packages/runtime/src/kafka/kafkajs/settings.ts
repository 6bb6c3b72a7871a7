import type { ConnectionOptions } from 'node:tls'
import type { Failpoint } from '../../failpoint/failpoint.js'

/** What the driver says while it works. A pino logger fits. */
export interface DriverLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type Sasl = {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** All times in milliseconds, all sizes in bytes. */
export interface KafkajsOptions {
  /** "host:port" of some brokers; the others are found through them. */
  readonly brokers: readonly string[]
  /** Shown by brokers and by `LogAdmin.members`. */
  readonly clientId: string
  readonly logger: DriverLog
  readonly ssl?: ConnectionOptions | boolean
  readonly sasl?: Sasl
  /** A member that is silent for so long loses its partitions: the wait after a SIGKILL. Default 6,000, the least that brokers allow by default. */
  readonly sessionTimeoutMs?: number
  /** Default: a sixth of the session. */
  readonly heartbeatIntervalMs?: number
  /** How long a rebalance waits for members to come back. Default 10,000. */
  readonly rebalanceTimeoutMs?: number
  /** Noted offsets are written so often. Default 500. */
  readonly commitIntervalMs?: number
  /** How long a broker holds an empty fetch. Default 500. */
  readonly maxWaitMs?: number
  /** Of one fetch from one broker. Default 4 MiB. */
  readonly fetchBytes?: number
  /** Of one partition in one fetch. Default 1 MiB. */
  readonly fetchBytesPerPartition?: number
  /** Records handed over at once. Default 1,000. */
  readonly maxDelivery?: number
  /** Of one record, headers included, before it is sealed. Default 900,000: below the brokers' default of 1 MiB. */
  readonly maxRecordBytes?: number
  /** Of one send, before it is sealed. Default 900,000. */
  readonly maxBatchBytes?: number
  /** Records of one send. Default 5,000. */
  readonly maxBatchRecords?: number
  /** Until a connection stands. Default 3,000. */
  readonly connectTimeoutMs?: number
  /** Until a request has its answer; after that the connection is thrown away. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** A consumer or reader that made no progress for so long although nothing failed starts anew inside. Default 20,000. */
  readonly watchdogMs?: number
  /** Until a record is written or has failed, for producers that are not told otherwise. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Crash points of the driver (`kafka.*`, `group.*`, `offsets.*`). Default: none. */
  readonly failpoint?: Failpoint
}

export type Settings = Required<Omit<KafkajsOptions, 'ssl' | 'sasl'>> & {
  readonly ssl: ConnectionOptions | null
  readonly sasl: Sasl | null
}

/** Compiles the options once. @throws RangeError or TypeError naming the option. */
export function compileSettings(options: KafkajsOptions): Settings {
  if (options.brokers.length === 0) throw new TypeError('brokers is empty: name at least one "host:port".')
  for (const broker of options.brokers) {
    if (!/^\S+:\d{1,5}$/.test(broker)) throw new TypeError(`brokers: "${broker}" is not "host:port".`)
  }
  const sessionTimeoutMs = options.sessionTimeoutMs ?? 6_000
  const heartbeatIntervalMs = options.heartbeatIntervalMs ?? Math.round(sessionTimeoutMs / 6)
  if (heartbeatIntervalMs * 2 >= sessionTimeoutMs) {
    throw new RangeError(
      `heartbeatIntervalMs (${heartbeatIntervalMs}) must be below half of sessionTimeoutMs (${sessionTimeoutMs}): ` +
        'one lost heartbeat would cost the partitions.',
    )
  }
  return {
    brokers: options.brokers,
    clientId: options.clientId,
    logger: options.logger,
    ssl: options.ssl === true ? {} : options.ssl || null,
    sasl: options.sasl ?? null,
    sessionTimeoutMs,
    heartbeatIntervalMs,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 10_000,
    commitIntervalMs: options.commitIntervalMs ?? 500,
    maxWaitMs: options.maxWaitMs ?? 500,
    fetchBytes: options.fetchBytes ?? 4 << 20,
    fetchBytesPerPartition: options.fetchBytesPerPartition ?? 1 << 20,
    maxDelivery: options.maxDelivery ?? 1_000,
    maxRecordBytes: options.maxRecordBytes ?? 900_000,
    maxBatchBytes: options.maxBatchBytes ?? 900_000,
    maxBatchRecords: options.maxBatchRecords ?? 5_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 3_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    watchdogMs: options.watchdogMs ?? 20_000,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    failpoint: options.failpoint ?? (async () => undefined),
  }
}
