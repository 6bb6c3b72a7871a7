import type { PlanStep } from '@unwind/contracts'

/** Where a step stands, told once more and as plainly as possible: nothing of the code under test is used here. */
export interface NaiveStep {
  step: PlanStep
  status: 'waiting' | 'started' | 'retrying' | 'failed' | 'parked' | 'verified' | 'skipped' | 'resolved'
  round: number
  /** Ledger offsets at which people opened its later rounds. */
  readonly rounds: number[]
  attempts: number
  /** Ledger offset from which on it has been under way without a break. */
  startedAt: number | null
  /** Ledger offset at which it settled. */
  settledAt: number | null
  settledTime: number
  /** Ledger offset at which it was parked in this round. */
  parkedAt: number | null
  resolutions: Set<string>
  restored: number
  expected: number
}

const SETTLED = new Set(['verified', 'skipped', 'resolved'])

export function isOver(status: NaiveStep['status']): boolean {
  return SETTLED.has(status)
}

export function settle(step: NaiveStep, status: NaiveStep['status'], offset: number, at: number): void {
  step.status = status
  step.settledAt = offset
  step.settledTime = at
}
