import { type EventOf, eventIds, hashText, type LedgerEvent } from '@unwind/contracts'
import {
  type Anomaly,
  actionAnomalies,
  anomalyEvents,
  type Closed,
  type ContractLookup,
  type Look,
  lateActions,
  reconciliationRequest,
  reportAnomalies,
} from '@unwind/core'
import type { Catalogued } from '../catalogue/catalogue.js'
import type { FoundRollback } from '../reading/ledger-reading.js'
import type { Told, Watched } from './watched.js'

export interface Examination {
  /** Emitter of what is found. */
  readonly principal: string
  readonly contracts: ContractLookup
  /** Late actions open the rollback again. */
  readonly reopen?: boolean
  /** A rollback as the log has it now. @throws ViewUnavailable @throws ViewBehind */
  find(rollbackId: string): Promise<FoundRollback | null>
  /** Everything recorded under a correlation ID by now. @throws ViewUnavailable @throws ViewBehind */
  actionsOf(correlationId: string): Promise<Pick<Catalogued, 'actions'>>
  /** Epoch ms. */
  now(): number
}

/**
 * One look at a rollback that has ended: everything that is to be said and that the ledger does not hold yet.
 * @param item a report to be judged, or the rollback itself.
 * @param look null: only the report.
 */
export async function examine(
  with_: Examination,
  item: Watched | Told,
  look: Look | null,
): Promise<readonly LedgerEvent[]> {
  const found = await with_.find(item.rollbackId)
  const rollback = found?.coordination.rollback
  // Opened again meanwhile: what was seen is of an earlier end, and the next one is looked at anew.
  if (!found || rollback?.phase !== 'closed') return []
  const said = look
    ? await looked(with_, found, rollback, look)
    : judged(with_, found, rollback, item as Told)
  const known = new Set(found.events.map(({ event }) => event.data.eventId))
  return said.filter(event => !known.has(event.data.eventId))
}

async function looked(
  with_: Examination,
  { correlationId }: FoundRollback,
  rollback: Closed,
  look: Look,
): Promise<readonly LedgerEvent[]> {
  const { principal, contracts, now } = with_
  const { actions } = await with_.actionsOf(correlationId)
  const said: LedgerEvent[] = told(with_, rollback, actionAnomalies(rollback, actions, contracts))
  if (with_.reopen)
    for (const [system, late] of lateActions(rollback, actions))
      said.push(lateEvent(with_, rollback, system, late))
  if (look.probe) {
    const ask = {
      name: look.name,
      requestedBy: `schedule:${look.name}`,
      reason: 'the schedule of the coordinator',
    }
    said.push(reconciliationRequest(principal, rollback, ask, now()))
  }
  return said
}

function judged(
  with_: Examination,
  { events }: FoundRollback,
  rollback: Closed,
  { eventId }: Told,
): readonly LedgerEvent[] {
  const report = events.find(({ event }) => event.data.eventId === eventId)?.event
  if (report?.type !== 'ReconciliationReported') return []
  // It answers for the plan of an earlier end.
  const asked = eventIds.reconcile(rollback.rollbackId, rollback.plan.revision, '')
  if (!report.data.causationId?.startsWith(asked)) return []
  return told(with_, rollback, reportAnomalies(rollback, report.data))
}

function told(
  { principal, contracts, now }: Examination,
  rollback: Closed,
  anomalies: readonly Anomaly[],
): LedgerEvent[] {
  return anomalies.flatMap(anomaly => anomalyEvents(principal, rollback, anomaly, contracts, now()))
}

function lateEvent(
  { principal, now }: Examination,
  { rollbackId, correlationId }: Closed,
  system: string,
  late: Parameters<typeof actionAnomalies>[1],
): EventOf<'LateActionDetected'> {
  const ids = late.map(action => action.actionId).sort()
  const occurredAt = now()
  const actions = late.map(({ actionId, action, resource, data }) => ({
    actionId,
    action,
    resource,
    occurredAt,
    data,
  }))
  return {
    type: 'LateActionDetected',
    data: {
      eventId: eventIds.lateAction(rollbackId, system, hashText(ids.join('\n')).slice(0, 16)),
      correlationId,
      rollbackId,
      occurredAt,
      emitter: principal,
      causationId: null,
      system,
      actions,
      detectedBy: 'watch',
    },
  }
}
