import type { LedgerEvent } from '@unwind/contracts'
import type { ContractLookup, Policy, RollbackState } from '@unwind/core'
import type { Failpoint, Timers } from '@unwind/runtime'
import type { LedgerHistory } from '../reading/ledger-reading.js'
import type { EscalationOptions } from './options.js'

export interface DeskOptions extends EscalationOptions {
  /** Emitter of what was delivered. */
  readonly principal: string
  readonly policy: () => Policy
  contracts(): ContractLookup
  isLive(partition: number): boolean
  /** Nobody else can have the partition at this moment. */
  isOurs(partition: number): boolean
  /** Everything that the ledger says of a correlation ID below an offset. Rejects when it cannot be read for now. */
  historyOf(correlationId: string, until: bigint): Promise<LedgerHistory>
  send(event: LedgerEvent): Promise<unknown>
  delivered(channel: string, outcome: string): void
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** Epoch ms. */
  now(): number
  /** Crash points. Default: none. */
  readonly failpoint?: Failpoint
  /** Default: the system's. */
  readonly timers?: Timers
}

/** What is known of a rollback when its first alarm is raised. */
export interface Origin {
  readonly rollback: RollbackState
  /** A restart must read from here. */
  readonly readFrom: bigint
}
