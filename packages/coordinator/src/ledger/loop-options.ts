import type { LedgerEvent } from '@unwind/contracts'
import type { ContractLookup, CoordinationContext, Coordinator, StallFacts } from '@unwind/core'
import type { Timers } from '@unwind/runtime'
import type { Catalogued } from '../catalogue/catalogue.js'
import type { ClaimsPort } from '../claims/claims.js'
import type { LoopMetrics } from '../metrics.js'
import type { LedgerHistory } from '../reading/ledger-reading.js'

/** What the loop acts through. */
export interface LoopOptions {
  readonly me: Coordinator
  readonly contracts: () => ContractLookup
  /** What approvers may now, and what is known of proposers. */
  readonly people?: Pick<CoordinationContext, 'standing' | 'shown'>
  isLive(partition: number): boolean
  send(event: LedgerEvent, traceparent: string | null): Promise<unknown>
  /** All actions recorded up to now. Rejects when they cannot be read for now. */
  actionsOf(correlationId: string): Promise<Catalogued>
  factsOf(systems: readonly string[], from: { partition: number; offset: bigint }): Promise<StallFacts>
  /** Everything that the ledger says of a correlation ID below an offset. Rejects when it cannot be read for now. */
  historyOf(correlationId: string, until: bigint): Promise<LedgerHistory>
  /** Who may touch what. Default: nobody asks, so rollbacks overlap as they come. */
  readonly claims?: ClaimsPort
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  readonly metrics: LoopMetrics
  /** Epoch ms. */
  now(): number
  /** Default: the system's. */
  readonly timers?: Timers
}
