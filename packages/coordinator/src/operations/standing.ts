import type { LedgerEvent } from '@unwind/contracts'
import type { Coordination } from '@unwind/core'
import type { SigningKey, WrittenAt } from '@unwind/runtime'
import type { FoundRollback } from '../reading/ledger-reading.js'
import { noSuchRollback, Problem } from './problem.js'

/** What every operation stands on. */
export interface Standing {
  readonly key: SigningKey
  /** A rollback that this process holds open, fresher than any view. */
  held(rollbackId: string): Coordination | undefined
  /** A rollback as the log has it now. @throws ViewUnavailable @throws ViewBehind */
  find(rollbackId: string): Promise<FoundRollback | null>
  send(event: LedgerEvent): Promise<WrittenAt>
  /** Epoch ms. */
  now(): number
}

/** Where a rollback stands, for a decision. @throws Problem when nothing names it. */
export async function current(standing: Standing, rollbackId: string): Promise<Coordination> {
  const held = standing.held(rollbackId)
  if (held) return held
  const found = await standing.find(rollbackId)
  if (!found) throw noSuchRollback(rollbackId)
  return found.coordination
}

export interface Current extends Standing {
  /** Whether what is held of a correlation ID's rollbacks is all that the log has by now. Rejects when the broker does not say. */
  isCurrent(correlationId: string): Promise<boolean>
}

/**
 * The same for a word that carries where everything stands: a sidecar that was started since knows nothing else (I5). So it must not come
 * from a fold that lags. @throws Problem when nothing names it. @throws ViewUnavailable @throws ViewBehind
 */
export async function latest(standing: Current, rollbackId: string): Promise<Coordination> {
  const { rollback } = standing.held(rollbackId) ?? {}
  const isCurrent = rollback !== undefined && (await asked(standing, rollback.correlationId))
  return current(isCurrent ? standing : { ...standing, held: () => undefined }, rollbackId)
}

async function asked(standing: Current, correlationId: string): Promise<boolean> {
  try {
    return await standing.isCurrent(correlationId)
  } catch (error) {
    throw new Problem(
      503,
      'ledger-unavailable',
      'The ledger cannot be read',
      `the brokers do not say how far the ledger of ${correlationId} goes: ${error instanceof Error ? error.message : String(error)}`,
      'nothing was written: see to the brokers, then ask again',
    )
  }
}

/** The fields that all events of one rollback have. */
export function common({ key, now }: Standing, about: { rollbackId: string; correlationId: string }) {
  const { rollbackId, correlationId } = about
  return { rollbackId, correlationId, occurredAt: now(), emitter: key.principal, causationId: null }
}
