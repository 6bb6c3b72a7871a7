import type { EventSender, SigningKey } from '@unwind/runtime'
import type { Catalogue } from '../catalogue/catalogue.js'
import type { ContractsView } from '../contracts/contracts-view.js'
import type { LedgerReading } from '../reading/ledger-reading.js'
import { Aftermath, type AftermathOptions } from './aftermath.js'

/** What a coordinator has that its aftermath stands on. */
export interface AftermathParts
  extends Omit<AftermathOptions, 'principal' | 'contracts' | 'find' | 'actionsOf' | 'send'> {
  readonly key: SigningKey
  readonly sender: Pick<EventSender, 'send'>
  readonly reading: Pick<LedgerReading, 'rollback'>
  readonly catalogue: Pick<Catalogue, 'actionsOf'>
  readonly contracts: Pick<ContractsView, 'contracts'>
  /** How long it waits for the view to hold what the log has, milliseconds. */
  readonly withinMs: number
}

/** @returns what stops it. */
export async function startAftermath(parts: AftermathParts): Promise<() => Promise<void>> {
  const { key, sender, reading, catalogue, contracts, withinMs, ...options } = parts
  const aftermath = new Aftermath({
    ...options,
    principal: key.principal,
    contracts: () => contracts.contracts,
    find: rollbackId => reading.rollback(rollbackId, true),
    actionsOf: correlationId => catalogue.actionsOf(correlationId, withinMs),
    send: event => sender.send(event),
  })
  await aftermath.start()
  return () => aftermath.stop()
}
