import { isDeepStrictEqual } from 'node:util'
import type { EventOf, LedgerEvent } from '@unwind/contracts'
import type { CommandRequest } from '../operations/commands.js'
import type { Proposal } from '../operations/proposals.js'
import type { LedgerReading } from '../reading/ledger-reading.js'
import { keyReused } from './idempotency.js'

/** Whether the ledger holds a keyed proposal already. @throws Problem when it holds another one under this key. */
export async function isProposed(
  reading: LedgerReading,
  rollbackId: string,
  wanted: Proposal,
): Promise<boolean> {
  const events = await reading.ledgerOf(wanted.correlationId)
  const data = dataOf(events, 'RollbackProposed', d => d.rollbackId === rollbackId)
  if (!data) return false
  const same =
    data.reason === wanted.reason &&
    data.incidentClass === wanted.incidentClass &&
    data.release === wanted.release &&
    data.proposedBy === wanted.proposedBy &&
    data.systems.join() === wanted.systems.join() &&
    isDeepStrictEqual(data.part, wanted.part)
  if (!same) throw keyReused(`it stands for the proposal of rollback ${rollbackId}, with other content`)
  return true
}

/** Whether the ledger holds a keyed command already. @throws Problem when it holds another one under this key. */
export async function isCommanded(
  reading: LedgerReading,
  rollbackId: string,
  commandId: string,
  wanted: CommandRequest,
): Promise<boolean> {
  const found = await reading.rollback(rollbackId, true)
  const eventId = `${rollbackId}/command/${commandId}`
  const data = dataOf(found?.events ?? [], 'OperatorCommandIssued', d => d.eventId === eventId)
  if (!data) return false
  const same =
    data.command === wanted.command &&
    data.stepId === wanted.stepId &&
    data.reason === wanted.reason &&
    data.resolution === wanted.resolution &&
    data.evidence === wanted.evidence
  if (!same) throw keyReused(`it stands for the ${data.command} ${commandId} of rollback ${rollbackId}`)
  return true
}

type DataOf<T extends LedgerEvent['type']> = EventOf<T>['data']

function dataOf<T extends LedgerEvent['type']>(
  events: readonly { readonly event: LedgerEvent }[],
  type: T,
  is: (data: DataOf<T>) => boolean,
): DataOf<T> | undefined {
  const found = events.find(({ event }) => event.type === type && is(event.data as DataOf<T>))
  return found?.event.data as DataOf<T> | undefined
}
