import { unplannedOf } from '../unwind/readiness.js'
import { isSettled, type Running, type StepState } from '../unwind/state.js'
import type { Participant, Participation } from './participant.js'

/**
 * Whether a restart of this sidecar must read this rollback again from its request. Parked steps, and steps that wait
 * for a parked one, do not hold the offset back: the operator command that moves them carries all that they need.
 */
export function holdsOffset(me: Participant, state: Participation): boolean {
  const { rollback } = state
  if (rollback.phase !== 'running') return false
  const { scope } = rollback.plan
  if (scope.length > 0 && !scope.includes(me.system)) return false
  if (state.fence !== 'done') return true
  // Said, and not in the ledger: it may have been lost or refused (a key revoked meanwhile), and every step waits for it (I7).
  if (rollback.plan.barrier && !rollback.fenced.has(me.system)) return true
  // What the target holds was said, but no revision names it yet: if that word was lost, it must be found again (I1).
  if (unplannedOf(rollback, me.system).length > 0) return true
  const mine = [...rollback.steps.values()].filter(s => s.step.system === me.system && !isSettled(s.progress))
  // Only the log tells that it was stopped: the next command alone would begin it anew (I5).
  if (rollback.aborted || rollback.paused) return mine.length > 0 || state.work.size > 0
  if (mine.some(s => needsHistory(rollback, s))) return true
  const stuck = blockedSteps(rollback)
  return mine.some(s => !stuck.has(s.step.stepId))
}

/** No command tells which gates were opened and which fences stand: for a step that has not begun, the log must (I4). */
function needsHistory({ plan }: Running, { step, progress, round }: StepState): boolean {
  return (step.gate !== null || plan.barrier) && progress.status === 'waiting' && round === 0
}

/** Steps that are parked, or wait, directly or not, for one that is. */
export function blockedSteps(rollback: Running): ReadonlySet<string> {
  const blocked = new Set<string>()
  for (const s of rollback.steps.values()) if (s.progress.status === 'parked') blocked.add(s.step.stepId)
  // Tiers only look back, so one pass in tier order reaches everything.
  for (const s of [...rollback.steps.values()].sort((a, b) => a.step.tier - b.step.tier))
    if (s.step.waitsFor.some(id => blocked.has(id))) blocked.add(s.step.stepId)
  return blocked
}
