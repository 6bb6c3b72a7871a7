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
import type { DevelopmentToken } from './api/callers.js'
import type { CheckpointSettings } from './checkpoints/index.js'
import type { EscalationOptions } from './escalation/options.js'
import type { OidcOptions } from './identity/oidc.js'
import type { PolicySource } from './operations/policy-source.js'

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
  /** Of one caller; after a rest ten times as many at once. Default 200. */
  readonly requestsPerSecond?: number
  /** Signs approvals that come through the API; its principal is the approver. */
  readonly approverKey?: SigningKey
  /** Signs for people whom `identity` knows; has the role "voucher". */
  readonly voucherKey?: SigningKey
  /** How callers are known one by one. Absent: whoever may call acts under any name. */
  readonly identity?: {
    readonly oidc?: OidcOptions
    readonly developmentTokens?: readonly DevelopmentToken[]
  }
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
    /** A correlation ID with more records is not planned. Default 10,000. */
    readonly maxRecords?: number
  }
  /** Default: the default policy. */
  readonly policy?: Policy | PolicySource
  readonly stall?: StallOptions
  /** Absent: this coordinator proves nothing of the ledger. */
  readonly checkpoints?: CheckpointSettings
  /** Absent: alarms stand in the ledger, and nobody is told. */
  readonly escalation?: EscalationOptions
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
