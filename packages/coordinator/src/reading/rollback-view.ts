import type { LedgerEvent } from '@unwind/contracts'
import {
  foldTimeline,
  type RollbackLine,
  type RollbackState,
  type RollbackView,
  reviewsOf,
  type ShownPhase,
  type StallView,
  type StepProgress,
  type StepRow,
  type StepView,
} from '@unwind/core'
import type { FoundRollback } from './ledger-reading.js'

export function phaseOf(state: RollbackState): ShownPhase {
  return state.phase === 'proposed' && state.refused ? 'denied' : state.phase
}

export function endStateOf(state: RollbackState): string | null {
  return state.phase === 'closed' ? state.closing.endState : null
}

export function rollbackLine({ correlationId, coordination, events }: FoundRollback): RollbackLine {
  const { rollback, proposedBy } = coordination
  const proposed = events.find(({ event }) => event.type === 'RollbackProposed')?.event as
    | Extract<LedgerEvent, { type: 'RollbackProposed' }>
    | undefined
  return {
    rollbackId: rollback.rollbackId,
    correlationId,
    phase: phaseOf(rollback),
    endState: endStateOf(rollback),
    reason: proposed?.data.reason ?? null,
    proposedBy: proposedBy || null,
    incidentClass: proposed?.data.incidentClass ?? null,
    release: proposed?.data.release ?? null,
    systems: systemsOf(proposed?.data.systems ?? [], rollback),
    requestedAt: 'requestedAt' in rollback ? rollback.requestedAt : null,
  }
}

function systemsOf(named: readonly string[], rollback: RollbackState): readonly string[] {
  if (!('plan' in rollback)) return [...named].sort()
  const { steps, surfaced } = rollback.plan
  return [...new Set([...named, ...steps.map(s => s.system), ...surfaced.map(s => s.system)])].sort()
}

export function rollbackView(found: FoundRollback, stalls: readonly StallView[]): RollbackView {
  const { correlationId, coordination, events } = found
  const { rollback, pending } = coordination
  const summary = foldTimeline(correlationId, events).rollbacks.find(
    r => r.rollbackId === rollback.rollbackId,
  )
  const rows = new Map(summary?.steps.map(row => [row.stepId, row]))
  return {
    ...rollbackLine(found),
    revision: summary?.revision ?? null,
    closedAt: summary?.closedAt ?? null,
    durationMs: summary?.durationMs ?? null,
    restored: summary?.restored ?? 0,
    expected: summary?.expected ?? 0,
    paused: rollback.phase === 'running' && rollback.paused,
    waitsForClaim: claimWaitOf(rollback),
    denied: deniedBecause(found),
    approval: pending && {
      required: pending.request.required,
      given: approversOf(events),
      approvers: pending.request.approvers,
    },
    remaining: summary?.remaining ?? [],
    refusals: summary?.refusals ?? [],
    openEscalations: summary?.openEscalations ?? [],
    reviews: reviewsOf(coordination).map(({ revision, given, reason, escalationId, reviewedBy }) => {
      const { approver: by, grantedAt: at } = given.approval
      return { revision, by, reason, at, escalationId, reviewedBy }
    }),
    end: summary?.end ?? null,
    reconciliations: summary?.reconciliations ?? [],
    anomalies: summary?.anomalies ?? [],
    steps: stepsOf(rollback, rows),
    stalls,
  }
}

function claimWaitOf(rollback: RollbackState): RollbackView['waitsForClaim'] {
  if (!('waitsFor' in rollback) || !rollback.waitsFor) return null
  const { holder, message, since } = rollback.waitsFor
  return { rollbackId: holder, message, since }
}

function stepsOf(rollback: RollbackState, rows: ReadonlyMap<string, StepRow>): StepView[] {
  if (rollback.phase !== 'running' && rollback.phase !== 'closed') return []
  return [...rollback.steps.values()].map(({ step, progress, round, attempts }) => {
    const actual = rows.get(step.stepId)?.actual
    return {
      stepId: step.stepId,
      system: step.system,
      tier: step.tier,
      waitsFor: step.waitsFor,
      actions: step.actions.length,
      status: progress.status,
      round,
      attempts,
      message: messageOf(progress),
      outcome: actual?.outcome ?? null,
      restored: actual?.restored ?? null,
      expected: actual?.expected ?? null,
      fromDigest: actual?.fromDigest ?? null,
      toDigest: actual?.toDigest ?? null,
      startedAt: actual?.startedAt ?? null,
      settledAt: actual?.settledAt ?? null,
      durationMs: actual?.durationMs ?? null,
    }
  })
}

function messageOf(progress: StepProgress): string | null {
  switch (progress.status) {
    case 'failed':
    case 'parked':
      return `${progress.code}: ${progress.message}`
    case 'retrying':
      return `${progress.code}, tried again at ${new Date(progress.retryAt).toISOString()}`
    case 'skipped':
    case 'resolved':
      return `by ${progress.actor}: ${progress.reason}`
    case 'verified':
      return progress.notes.length > 0 ? progress.notes.join('; ') : null
    default:
      return null
  }
}

function deniedBecause({ events }: FoundRollback): string | null {
  for (const { event } of events)
    if (event.type === 'ApprovalDenied') return `${event.data.approver}: ${event.data.reason}`
  return null
}

function approversOf(events: FoundRollback['events']): string[] {
  return events.flatMap(({ event }) =>
    event.type === 'ApprovalGranted' ? [event.data.approval.approver] : [],
  )
}
