import type { PlanGate } from '@unwind/contracts'
import { type Readiness, readiness, unplannedOf } from '../unwind/readiness.js'
import {
  type ClaimWait,
  isSettled,
  type RollbackState,
  type Running,
  type StepState,
} from '../unwind/state.js'
import type { StallOptions } from './stall.js'

/** One thing that must move by a moment. What it means that it did not is decided when the moment has passed. */
export type Watch = { readonly dueAt: number } & (
  | { readonly on: 'plan' }
  | { readonly on: 'approval'; readonly revision: number; readonly required: number; readonly given: number }
  | { readonly on: 'claim'; readonly wait: ClaimWait }
  | { readonly on: 'pause' }
  | { readonly on: 'closing' }
  | { readonly on: 'late-action'; readonly system: string; readonly actions: readonly string[] }
  | { readonly on: 'fence'; readonly system: string }
  | { readonly on: 'gate'; readonly gate: PlanGate; readonly step: StepState }
  | { readonly on: 'parked'; readonly step: StepState }
  /** Ready, or begun, and not settled. */
  | { readonly on: 'step'; readonly step: StepState; readonly since: number }
  | { readonly on: 'blocked'; readonly step: StepState; readonly by: readonly string[] }
  /** A system that must act some time: is anybody there? */
  | { readonly on: 'presence'; readonly step: StepState }
)

/** Everything that an open rollback waits for, from the ledger alone. A closed or denied one waits for nothing. */
export function watches(state: RollbackState, options: StallOptions): Watch[] {
  switch (state.phase) {
    case 'proposed':
      if (state.waitsFor) return [onClaim(state.waitsFor, options)]
      return [{ on: 'plan', dueAt: state.proposal.occurredAt + options.planWithinMs }]
    case 'awaiting-approval': {
      if (!state.proposal) return []
      const { required, plan, approvals } = state
      const dueAt = state.proposal.occurredAt + options.approvalWithinMs
      const claim = state.waitsFor ? [onClaim(state.waitsFor, options)] : []
      // What waits for another rollback was approved before; the approval may not last as long as the wait.
      if (claim.length > 0 && approvals.length >= required) return claim
      return [...claim, { on: 'approval', dueAt, revision: plan.revision, required, given: approvals.length }]
    }
    case 'denied':
    case 'closed':
      return []
    case 'running':
      return watchesOf(state, options)
    default:
      return state satisfies never
  }
}

function onClaim(wait: ClaimWait, options: StallOptions): Watch {
  return { on: 'claim', wait, dueAt: wait.since + options.claimWithinMs }
}

/** The same one that is in the way again is another alarm. */
export function claimRound({ turn }: ClaimWait): number {
  return turn - 1
}

function watchesOf(state: Running, options: StallOptions): Watch[] {
  const open = [...state.steps.values()].filter(step => !isSettled(step.progress))
  const later = (ms: number) => state.lastEventAt + ms
  if (state.aborted) {
    const begun = open.filter(step => step.progress.status === 'started')
    if (begun.length === 0) return [{ on: 'closing', dueAt: later(options.closeWithinMs) }]
    return begun.map(step => onStep(state, step))
  }
  const systems = [...new Set(state.unplanned.values())].sort()
  const late = systems.map((system): Watch => {
    return {
      on: 'late-action',
      system,
      actions: unplannedOf(state, system),
      dueAt: later(options.supplementWithinMs),
    }
  })
  if (open.length === 0)
    return late.length > 0 ? late : [{ on: 'closing', dueAt: later(options.closeWithinMs) }]
  const paused: Watch[] = state.paused ? [{ on: 'pause', dueAt: later(options.pausedWithinMs) }] : []
  return [...late, ...paused, ...stepWatches(state, open, options)]
}

function stepWatches(state: Running, open: readonly StepState[], options: StallOptions): Watch[] {
  const held = new Map<string, Watch>()
  const waiting: { readonly step: StepState; readonly ready: Blocking }[] = []
  const fences = new Set<string>()
  for (const step of open) {
    const found = watchOf(state, step)
    if (found === null) continue
    if ('on' in found) held.set(step.step.stepId, found)
    else if (found.kind === 'waits-for-fences') for (const system of found.systems) fences.add(system)
    else waiting.push({ step, ready: found })
  }
  // Tiers only look back, so whatever is in the way of a step is known before it.
  for (const { step, ready } of waiting.sort((a, b) => a.step.step.tier - b.step.step.tier)) {
    const found = blocked(step, ready, held)
    if (found) held.set(step.step.stepId, found)
  }
  const present = open
    .filter(step => step.progress.status === 'waiting')
    .map((step): Watch => {
      return {
        on: 'presence',
        step,
        dueAt: Math.max(state.requestedAt, step.openedAt) + options.absentAfterMs,
      }
    })
  const fenced = [...fences].sort().map((system): Watch => {
    return { on: 'fence', system, dueAt: state.requestedAt + options.fenceWithinMs }
  })
  return [...present, ...fenced, ...held.values()]
}

type Blocking = Extract<Readiness, { readonly kind: 'waits-for-steps' | 'tandem-parked' }>
type Fencing = Extract<Readiness, { readonly kind: 'waits-for-fences' }>

function watchOf(state: Running, step: StepState): Watch | Blocking | Fencing | null {
  const { status } = step.progress
  if (status === 'parked') return { on: 'parked', step, dueAt: step.changedAt }
  // An attempt under way has its deadline, paused or not: its effect may stand half-way. The others are held by the pause.
  if (status === 'started') return onStep(state, step)
  if (status !== 'waiting') return state.paused ? null : onStep(state, step)
  // With every bake over, what is left is what does not end by itself.
  const ready = readiness(state, step, Number.POSITIVE_INFINITY)
  switch (ready.kind) {
    case 'ready':
    case 'bakes':
      return onStep(state, step)
    case 'waits-for-gate': {
      const gate = state.plan.gates.find(g => g.gateId === ready.gateId)!
      return { on: 'gate', gate, step, dueAt: settledSince(state, step) }
    }
    case 'waits-for-steps':
    case 'tandem-parked':
    case 'waits-for-fences':
      return ready
    // The pause, the abort and the missing revision are watched themselves.
    case 'waits-for-plan':
    case 'paused':
    case 'aborted':
      return null
    default:
      return ready satisfies never
  }
}

/** A blocked step has no deadline of its own yet: it is told about when the one in the way is late by its deadline as well. */
function blocked(step: StepState, ready: Blocking, held: ReadonlyMap<string, Watch>): Watch | null {
  const roots = new Map<string, number>()
  for (const id of ready.steps) {
    const watch = held.get(id)
    if (watch?.on === 'blocked') for (const root of watch.by) roots.set(root, held.get(root)!.dueAt)
    else if (watch) roots.set(id, watch.dueAt)
  }
  if (roots.size === 0) return null
  return {
    on: 'blocked',
    step,
    by: [...roots.keys()].sort(),
    dueAt: Math.min(...roots.values()) + step.step.deadlineMs,
  }
}

function onStep(state: Running, step: StepState): Watch {
  const since = readySince(state, step)
  return { on: 'step', step, since, dueAt: since + step.step.deadlineMs }
}

/** When nothing that the step waits for was open any more, epoch ms. */
function settledSince(state: Running, step: StepState): number {
  const waits = step.step.waitsFor.map(id => state.steps.get(id)!.changedAt)
  return Math.max(state.requestedAt, step.openedAt, ...waits)
}

/** From when a step's deadline runs. The opening of a gate by a person is in `openedAt`; a bake ends by itself. */
function readySince(state: Running, step: StepState): number {
  const gate = state.plan.gates.find(g => g.gateId === step.step.gate)
  const bakes = gate?.kind === 'bake' && !state.openGates.has(gate.gateId) ? gate.bakeMs : 0
  return settledSince(state, step) + bakes
}
