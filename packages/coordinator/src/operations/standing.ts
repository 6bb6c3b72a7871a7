import type { LedgerEvent } from '@unwind/contracts'
import type { Coordination } from '@unwind/core'
import type { SigningKey, WrittenAt } from '@unwind/runtime'
import type { FoundRollback } from '../reading/ledger-reading.js'
import { noSuchRollback } from './problem.js'

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

/** The fields that all events of one rollback have. */
export function common({ key, now }: Standing, about: { rollbackId: string; correlationId: string }) {
  const { rollbackId, correlationId } = about
  return { rollbackId, correlationId, occurredAt: now(), emitter: key.principal, causationId: null }
}
