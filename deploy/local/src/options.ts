/**
 * What the local stack is asked for and what it gives back.
 *
 * Words: a *part* is one kind of server (kafka, registry, redis, postgres, mariadb); a *server* is one process of a part; a part is
 * *external* when an environment variable names a server that already runs, and then it is checked, used, never wiped and
 * never stopped.
 */

export type Part = 'kafka' | 'registry' | 'redis' | 'postgres' | 'mariadb'

/** What everybody needs; `mariadb` is started only when it is asked for. */
export const ALL_PARTS: readonly Part[] = ['kafka', 'registry', 'redis', 'postgres']

/** The parts that are one process each; Kafka's processes are `Stack.nodes`. */
export type SinglePart = Exclude<Part, 'kafka'>

export type Say = (line: string) => void

export interface StackOptions {
  /** A git-ignored folder; absolute or relative to the working directory. Holds `data/<name>` and, by default, `cache`. */
  readonly stateDir: string
  /** Default: `ALL_PARTS`. */
  readonly parts?: readonly Part[]
  /** 3 gives replication factor 3 and min.insync.replicas 2. Default: 1. */
  readonly brokers?: 1 | 3
  /**
   * Names of Kafka users. Given: Kafka asks for TLS and SCRAM-SHA-512 on every listener and denies what no ACL allows; each
   * name, and "admin" who may do everything, gets a password (`Stack.kafkaSecurity`). Default: open on loopback.
   */
  readonly kafkaUsers?: readonly string[]
  /** Two stacks with different names may run at once. Letters, digits, `-` and `_`. Default: `dev`. */
  readonly name?: string
  /** Wipe the data of this name before starting. */
  readonly fresh?: boolean
  /** Remove the data of this name when the stack stops. */
  readonly temporary?: boolean
  /** Progress, one line a call. */
  readonly say?: Say
  /**
   * Default: `process.env`. KAFKA_BROKERS, SCHEMA_REGISTRY_URL, REDIS_URL, DATABASE_URL and MARIADB_URL make a part external;
   * UNWIND_CACHE_DIR names a folder for downloads that several clones share.
   */
  readonly env?: NodeJS.ProcessEnv
  /** Aborting while the stack starts stops what has been started, and `startStack` rejects. */
  readonly signal?: AbortSignal
}

/** One server process, for fault tests. All calls may be repeated. */
export interface ServerHandle {
  /** Process ID while it runs. */
  readonly pid: number | undefined
  readonly port: number
  /** Sends the signal (default SIGKILL) and waits until the process is gone. Its port stays reserved for `start`. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** SIGSTOP to the process and its descendants: connections stay open and nothing answers. */
  pause(): void
  resume(): void
  /** Starts it again on the same port and data, and waits until it answers. Does nothing if it runs. */
  start(): Promise<void>
}

export interface BrokerNode extends ServerHandle {
  readonly id: number
}

/** How to reach a secured Kafka. */
export interface KafkaSecurity {
  /** PEM of the authority that signed the brokers. */
  readonly caFile: string
  /** Password (SCRAM-SHA-512) by user. */
  readonly passwords: Readonly<Record<string, string>>
}

/** The variables that point other processes at this stack. A part that was not asked for is left out. */
export type StackEnv = Record<string, string>

export interface Stack {
  readonly brokers: string[]
  /** With the path of the Confluent-compatible API, without a trailing slash. */
  readonly registryUrl: string
  readonly redisUrl: string
  /** Superuser on the default database; holds the password, so do not print it. */
  readonly databaseUrl: string
  /** MariaDB, root; empty when the part was not asked for. Holds the password. */
  readonly mariadbUrl: string
  readonly env: StackEnv
  /** Null unless Kafka was started with `kafkaUsers`. */
  readonly kafkaSecurity: KafkaSecurity | null
  /** Empty when Kafka is external. */
  readonly nodes: readonly BrokerNode[]
  /** @throws {Error} when the part was not asked for or is external. */
  server(part: SinglePart): ServerHandle
  /** SIGTERM, wait, start again on the same port and data; resolves when it answers. */
  restart(part: Part): Promise<void>
  /**
   * Drops the database if it exists, creates it, returns its URL. On an external server the name gets the prefix
   * `unwind_local_`, so that no database of somebody else is ever dropped.
   */
  createDatabase(name: string): Promise<string>
  /** The same on MariaDB; the database of a capture beside it (`<name>_unwind`) goes too. */
  createMariadbDatabase(name: string): Promise<string>
  /** Idempotent and bounded: SIGTERM, then SIGKILL after a deadline. External parts are left alone. */
  stop(): Promise<void>
}
