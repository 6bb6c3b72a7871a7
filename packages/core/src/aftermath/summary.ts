import { type AnomalyDetected, type LedgerEvent, PlanMismatch, thawPlan } from '@unwind/contracts'

/** One look at the target after the end, and who has answered it. Moments are epoch ms. */
export interface ReconciliationRow {
  /** Event ID of the request. */
  readonly requestId: string
  readonly at: number
  readonly requestedBy: string
  readonly reason: string
  /** Systems that are to answer. */
  readonly systems: readonly string[]
  readonly answers: readonly ReconciliationAnswer[]
}

/** What one system saw: its share of the fidelity at that moment. */
export interface ReconciliationAnswer {
  readonly system: string
  readonly at: number
  /** Fidelity: items seen restored, of those expected; without the steps that could not be read. */
  readonly restored: number
  readonly expected: number
  readonly kept: number
  /** Steps of which less is restored than was proven when they were undone. */
  readonly drifted: readonly string[]
  /** Items and fields that differ. */
  readonly drift: readonly string[]
  /** Steps that could not be read, and why. */
  readonly unread: readonly string[]
  /** Replicas that show another state, transactions that survived the fence. */
  readonly findings: readonly string[]
  /** How it was read. */
  readonly probes: readonly string[]
}

export interface AnomalyRow
  extends Pick<AnomalyDetected, 'kind' | 'system' | 'stepId' | 'message' | 'details' | 'proposal'> {
  readonly eventId: string
  readonly at: number
  /** The rollback was opened again since, and has ended anew. */
  readonly past: boolean
}

/** What came after the end of a rollback. */
export interface Aftermath {
  /** Oldest first: the fidelity over time. */
  readonly reconciliations: readonly ReconciliationRow[]
  readonly anomalies: readonly AnomalyRow[]
}

/** @param events of one rollback, distinct, in log order. */
export function foldAftermath(events: readonly LedgerEvent[]): Aftermath {
  const reconciliations = new Map<string, ReconciliationRow>()
  let anomalies: AnomalyRow[] = []
  const seen = new Set<string>()
  /** Items that the last proof of each step saw restored. */
  const proven = new Map<string, number>()
  for (const event of events) {
    if (seen.has(event.data.eventId)) continue
    seen.add(event.data.eventId)
    switch (event.type) {
      case 'CompensationCompleted':
        proven.set(event.data.stepId, event.data.restored)
        break
      case 'ReconciliationRequested': {
        const { eventId, occurredAt, requestedBy, reason } = event.data
        reconciliations.set(eventId, {
          requestId: eventId,
          at: occurredAt,
          requestedBy,
          reason,
          systems: systemsOf(event.data),
          answers: [],
        })
        break
      }
      case 'ReconciliationReported': {
        const row = reconciliations.get(event.data.causationId ?? '')
        const answer = row && answerOf(event.data, proven)
        if (row && answer) reconciliations.set(row.requestId, { ...row, answers: [...row.answers, answer] })
        break
      }
      case 'AnomalyDetected': {
        const { eventId, occurredAt: at, kind, system, stepId, message, details, proposal } = event.data
        anomalies.push({ eventId, at, kind, system, stepId, message, details, proposal, past: false })
        break
      }
      case 'RollbackClosed':
        anomalies = anomalies.map(anomaly => ({ ...anomaly, past: true }))
        break
    }
  }
  return { reconciliations: [...reconciliations.values()], anomalies }
}

/** The end as people must read it: "RESTORED_VERIFIED, then 1 anomaly". */
export function annotatedEnd(endState: string, anomalies: readonly Pick<AnomalyRow, 'past'>[]): string {
  const since = anomalies.filter(anomaly => !anomaly.past).length
  return since === 0 ? endState : `${endState}, then ${since === 1 ? '1 anomaly' : `${since} anomalies`}`
}

function answerOf(
  data: Extract<LedgerEvent, { type: 'ReconciliationReported' }>['data'],
  proven: ReadonlyMap<string, number>,
) {
  const { system, occurredAt, results } = data
  if (system === null) return null
  const read = results.filter(result => result.problem === null)
  const sum = (figure: 'restored' | 'expected' | 'kept') => read.reduce((n, r) => n + r[figure], 0)
  const answer: ReconciliationAnswer = {
    system,
    at: occurredAt,
    restored: sum('restored'),
    expected: sum('expected'),
    kept: sum('kept'),
    drifted: read.filter(r => r.restored < (proven.get(r.stepId) ?? 0)).map(r => r.stepId),
    drift: results.flatMap(result => result.drift.map(line => `${result.stepId}: ${line}`)),
    unread: results.flatMap(result =>
      result.problem === null ? [] : [`${result.stepId}: ${result.problem}`],
    ),
    findings: data.findings.map(finding => `${finding.kind}: ${finding.message}`),
    probes: [...new Set(read.map(result => result.probe).filter(probe => probe !== ''))],
  }
  return answer
}

function systemsOf(request: {
  rollbackId: string
  correlationId: string
  plan: string
  planHash: string
}): readonly string[] {
  try {
    return [...new Set(thawPlan(request, request).steps.map(step => step.system))].sort()
  } catch (error) {
    if (!(error instanceof PlanMismatch)) throw error
    // No system takes such a request.
    return []
  }
}
