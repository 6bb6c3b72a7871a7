import type { LedgerEvent } from '@unwind/contracts'
import { foldTimeline, type RollbackState, type StepProgress, type StepRow } from '@unwind/core'
import type { FoundRollback } from './ledger-reading.js'

export type ShownPhase = 'proposed' | 'awaiting-approval' | 'denied' | 'running' | 'closed'

/** One rollback, as the API shows it. Moments are epoch ms, spans milliseconds. */
export interface RollbackView {
  readonly rollbackId: string
  readonly correlationId: string
  readonly phase: ShownPhase
  readonly endState: string | null
  readonly reason: string | null
  readonly proposedBy: string | null
  readonly revision: number | null
  readonly requestedAt: number | null
  readonly closedAt: number | null
  readonly durationMs: number | null
  readonly restored: number
  readonly expected: number
  readonly paused: boolean
  /** Another rollback came first and holds what this one would touch. */
  readonly waitsForClaim: {
    readonly rollbackId: string
    readonly message: string
    readonly since: number
  } | null
  /** Why the policy or a person said no. */
  readonly denied: string | null
  readonly approval: {
    readonly required: number
    readonly given: readonly string[]
    readonly approvers: readonly string[]
  } | null
  readonly remaining: readonly string[]
  readonly refusals: readonly string[]
  readonly openEscalations: readonly string[]
  readonly steps: readonly StepView[]
}

export interface StepView {
  readonly stepId: string
  readonly system: string
  readonly tier: number
  readonly waitsFor: readonly string[]
  readonly actions: number
  readonly status: string
  readonly round: number
  readonly attempts: number
  readonly message: string | null
  readonly outcome: string | null
  readonly restored: number | null
  readonly expected: number | null
  readonly startedAt: number | null
  readonly settledAt: number | null
  readonly durationMs: number | null
}

export interface RollbackLine {
  readonly rollbackId: string
  readonly correlationId: string
  readonly phase: ShownPhase
  readonly endState: string | null
  readonly reason: string | null
  readonly proposedBy: string | null
  readonly requestedAt: number | null
}

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
    requestedAt: 'requestedAt' in rollback ? rollback.requestedAt : null,
  }
}

export function rollbackView(found: FoundRollback): RollbackView {
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
    steps: stepsOf(rollback, rows),
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
