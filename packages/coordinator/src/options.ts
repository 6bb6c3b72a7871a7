import type { TopicNames } from '@unwind/contracts'
import type { Policy, StallOptions } from '@unwind/core'
import type {
  EventLog,
  EventRegistry,
  Failpoint,
  Metrics,
  Service,
  SigningKey,
  TrustStore,
} from '@unwind/runtime'
import type { AftermathSettings } from './aftermath/index.js'
import type { CheckpointSettings } from './checkpoints/index.js'

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
  /** Absent: this coordinator proves nothing of the ledger. */
  readonly checkpoints?: CheckpointSettings
  /** Absent: what has ended is looked at only when somebody asks, and nobody judges what is found then. */
  readonly aftermath?: AftermathSettings
  /** Absent: no API. */
  readonly api?: CoordinatorApiOptions
  readonly metrics?: Metrics
  /** What the names of its consumer groups begin with; those of one name share the work. Default: the ledger's name. */
  readonly group?: string
  readonly logger: CoordinatorLogger
  /** Epoch ms. Default: the system's clock. */
  now?(): number
  /** Crash points. Default: none. */
  readonly failpoint?: Failpoint
  /** It cannot go on; end the process and start it again: it finds its way from the ledger. */
  onFatal(error: Error): void
}

export interface CoordinatorService extends Service {
  /** Base URL of the API; null before the start, or without an API. */
  readonly apiUrl: string | null
  status(): { readonly open: number; readonly viewReachable: boolean; readonly viewWaiting: number }
}
