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
  toldActions,
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
  found: FoundRollback,
  rollback: Closed,
  look: Look,
): Promise<readonly LedgerEvent[]> {
  const said = look.watch ? await watched(with_, found, rollback) : []
  if (!look.probe) return said
  const { name } = look
  const ask = { name, requestedBy: `schedule:${name}`, reason: 'the schedule of the coordinator' }
  return [...said, reconciliationRequest(with_.principal, rollback, ask, with_.now())]
}

async function watched(
  with_: Examination,
  { correlationId, events }: FoundRollback,
  rollback: Closed,
): Promise<readonly LedgerEvent[]> {
  const { actions } = await with_.actionsOf(correlationId)
  const said = toldActions(events.map(({ event }) => event))
  const anomalies = told(with_, rollback, actionAnomalies(rollback, actions, with_.contracts, said))
  if (!with_.reopen) return anomalies
  // First what opens it again: whoever dies between the two must not leave only the alarm behind (I1).
  const late = [...lateActions(rollback, actions)].map(([system, found]) =>
    lateEvent(with_, rollback, system, found),
  )
  return [...late, ...anomalies]
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
