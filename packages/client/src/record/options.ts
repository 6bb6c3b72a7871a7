import type { Failpoint, KafkajsOptions, Sasl, SigningKey } from '@unwind/runtime'

/** What the client says while it works. A pino logger fits. */
export interface ClientLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface ClientOptions {
  /** "host:port" of some brokers; the others are found through them. */
  readonly brokers: readonly string[]
  /** Base URL of the Confluent-compatible schema registry. */
  readonly registryUrl: string
  /** TLS to the brokers: true, or what Node's `tls.connect` takes (ca, cert, key). Default: none. */
  readonly ssl?: KafkajsOptions['ssl']
  /** How the client logs in to Kafka: a user of its own (`unwind topics acls` lists what it must be allowed). */
  readonly sasl?: Sasl
  /** Credentials of the registry, when they do not stand in its URL. */
  readonly registryAuth?: { readonly username: string; readonly password: string }
  /** The system whose actions are recorded, as its contract names it. */
  readonly system: string
  /** Signs what is recorded: a private key (JWK) in a file that only its owner can read, or the key itself. */
  readonly keyFile?: string
  readonly key?: SigningKey
  /** Prefix of the topics; default "unwind". */
  readonly topicPrefix?: string
  /** Records that may wait for Kafka at once, default 10,000. With data of 1 KB each that is about 20 MB. */
  readonly maxWaiting?: number
  /** When `maxWaiting` is reached: fail the call (`BackpressureError`, default), or hold it back until there is room. */
  readonly whenFull?: 'reject' | 'wait'
  /** Until a record is written or has failed, milliseconds; default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Default: silent. */
  readonly logger?: ClientLog
  /** Shown by brokers; default "unwind-client-<system>". */
  readonly clientId?: string
  /** Crash points, for tests. Default: none. */
  readonly failpoint?: Failpoint
}

/** Names of actions and the identifiers that each carries, for callers that want them checked by the compiler. */
export type ActionMap = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>

export interface Traced {
  /** W3C traceparent of the request that did it; passed through to every consumer. */
  readonly traceparent?: string | null
}

/** Something that this system did and that can be undone. */
export interface Action<Name extends string, Data> extends Traced {
  /** The business transaction; at most 512 characters. */
  readonly correlationId: string
  /** Name of the action in the system's contract. */
  readonly action: Name
  /** The identifiers that the undo needs: strings, safe integers, booleans; at most 16 KiB as JSON. Keys, never images. */
  readonly data: Data
  /** What it acted on, for people, e.g. "orders/1017". */
  readonly resource?: string | null
  /**
   * The same for every attempt to record the same action, so that a repeated call records it once. Absent: a random one;
   * then only this call's own retries are recognised.
   */
  readonly actionId?: string
  /** Action ID of what caused it, when another system did. */
  readonly causationId?: string | null
  /** Rows, documents or messages that it changed; default 1. */
  readonly items?: number
  /** Digest of the state that it left. */
  readonly digest?: string | null
  /** Epoch ms; default now. Never used for order. */
  readonly occurredAt?: number
  /** Default: the client's system. For a process that speaks for several. */
  readonly system?: string
}

/** Something that this system failed to do. It leaves nothing to undo, but explains why others must. */
export interface Failure extends Traced {
  readonly correlationId: string
  readonly action: string
  /** The system's own error code. */
  readonly code: string
  readonly message: string
  readonly resource?: string | null
  readonly actionId?: string
  readonly causationId?: string | null
  readonly occurredAt?: number
  readonly system?: string
}

export interface Proposal extends Traced {
  /** What is to be rolled back. */
  readonly correlationId: string
  /** Why, for people; at most 2,000 characters. */
  readonly reason: string
  /** Only these systems; default: every system that acted. */
  readonly systems?: readonly string[]
  /** Only actions of these names or with these IDs; default: all. */
  readonly actions?: readonly string[]
  /** Only actions on these resources; default: on all. */
  readonly resources?: readonly string[]
  /** Accept that actions which build on the undone ones stay as they are. Default: such a proposal is denied. */
  readonly acceptPartial?: boolean
  /** Selects a playbook. */
  readonly incidentClass?: string | null
  /** Release (deployment) whose failure this rolls back; at most 100 characters. */
  readonly release?: string | null
  /** Given by a caller that may have to ask again: the same ID is the same proposal. */
  readonly rollbackId?: string
}
