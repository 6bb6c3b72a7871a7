import type {
  FieldDifference,
  LedgerEvent,
  ReconciliationReported,
  ReconciliationResult,
} from '@unwind/contracts'
import type { ContractLookup, RecordedAction } from '../planning/input.js'
import type { Closed, StepState } from '../unwind/state.js'
import { ANOMALY_KINDS, type Anomaly } from './anomaly.js'
import { duplicates } from './duplicates.js'
import { cameAfterFence, lateActions } from './late-actions.js'

/** What a system's report says against the end of its rollback. */
export function reportAnomalies(rollback: Closed, report: ReconciliationReported): readonly Anomaly[] {
  const drifted = report.results.flatMap(result => {
    const step = rollback.steps.get(result.stepId)
    return step && step.step.system === result.system ? driftOf(step, result, report.eventId) : []
  })
  const { system } = report
  if (system === null) return drifted
  const found = report.findings.flatMap((finding): Anomaly[] => {
    const kind = ANOMALY_KINDS.find(known => known === finding.kind)
    if (!kind) return []
    const { stepId, subject, message, details } = finding
    const actions = actionsOf(stepId === null ? undefined : rollback.steps.get(stepId))
    return [{ kind, system, stepId, subject, message, details, actions, causationId: report.eventId }]
  })
  return [...drifted, ...found]
}

/**
 * What was recorded under the correlation ID and does not fit the end of its rollback.
 * @param told late actions that people were alarmed about: one that comes after them is an anomaly of its own.
 */
export function actionAnomalies(
  rollback: Closed,
  actions: readonly RecordedAction[],
  contracts: ContractLookup,
  told: ReadonlySet<string>,
): readonly Anomaly[] {
  const untold = actions.filter(action => !told.has(action.actionId))
  const late = [...lateActions(rollback, untold)].map(([system, found]): Anomaly => {
    const fenced = found.filter(cameAfterFence).length
    const after = fenced === 0 ? '' : `, ${fenced} of them written after its fence stood`
    const ids = found.map(action => action.actionId)
    return {
      kind: 'late-action',
      system,
      stepId: null,
      subject: [...ids].sort().join('\n'),
      message: `${system} recorded ${count(found.length, 'action')} that the plan does not name${after}`,
      details: found.map(line),
      actions: ids,
      causationId: null,
    }
  })
  const doubled = duplicates(actions, contracts).map(({ system, action, key, actions: same }): Anomaly => {
    const ids = same.map(each => each.actionId)
    return {
      kind: 'duplicate',
      system,
      stepId: null,
      subject: `${action} ${key}\n${[...ids].sort().join('\n')}`,
      message: `${system} did ${action} ${same.length} times with one business key, ${key}`,
      details: same.map(line),
      actions: ids,
      causationId: null,
    }
  })
  return [...late, ...doubled]
}

/** Late actions of which the ledger holds both the anomaly and its alarm. @param events of one rollback. */
export function toldActions(events: readonly LedgerEvent[]): ReadonlySet<string> {
  const alarmed = new Set(
    events.flatMap(event => (event.type === 'EscalationRaised' ? [event.data.causationId] : [])),
  )
  return new Set(
    events.flatMap(event =>
      event.type === 'AnomalyDetected' && event.data.kind === 'late-action' && alarmed.has(event.data.eventId)
        ? (event.data.proposal?.actions ?? [])
        : [],
    ),
  )
}

/** Only what a probe had seen restored can drift (I3): a step that a person settled promised nothing that could be read. */
function driftOf(step: StepState, result: ReconciliationResult, causationId: string): Anomaly[] {
  const { progress } = step
  if (progress.status !== 'verified' || result.problem !== null) return []
  if (result.restored >= progress.restored) return []
  const { stepId, system, restored, expected } = result
  return [
    {
      kind: 'drift',
      system,
      stepId,
      // Without the values: one that keeps changing is one anomaly.
      subject: `${stepId}\n${[...new Set(result.differences.map(place))].sort().join('\n')}`,
      message: `step ${stepId}: ${restored} of ${expected} items are restored, ${progress.restored} were when it was proven`,
      details: result.drift,
      actions: actionsOf(step),
      causationId,
    },
  ]
}

/** A difference as a line for people: what the rollback left there, and what is there now. */
export function driftLine(difference: FieldDifference): string {
  const { before, current } = difference
  return `${place(difference)}: restored to ${before ?? 'nothing'}, now ${current ?? 'nothing'}`
}

function place({ item, field }: FieldDifference): string {
  return field === '' ? item : `${item}.${field}`
}

function actionsOf(step: StepState | undefined): readonly string[] {
  return step?.step.actions.map(action => action.actionId) ?? []
}

function line(action: RecordedAction): string {
  const { action: name, resource, actionId } = action
  const what = resource === null ? name : `${name} ${resource}`
  return `${what} (${actionId})${cameAfterFence(action) ? ', after the fence' : ''}`
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`
}
