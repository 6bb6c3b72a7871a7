import type { PlanStep } from '@unwind/contracts'
import { isSettled, type StepState } from '../unwind/state.js'
import { byText } from './compare.js'
import type { Ungated } from './gates.js'
import type { ContractLookup, RecordedAction } from './input.js'
import { observedCauses, precedence } from './precedence.js'
import { tiersOf } from './tiers.js'

/** A step that was ever started, parked or settled: a later revision may not touch it. */
export function hasBegun(state: StepState | undefined): boolean {
  if (!state) return false
  return state.progress.status !== 'waiting' || state.round > 0 || state.attempts > 0
}

export interface LateWaitsInput {
  readonly steps: ReadonlyMap<string, StepState>
  readonly late: readonly RecordedAction[]
  readonly contracts: ContractLookup
  readonly kept: readonly PlanStep[]
  readonly added: readonly Ungated[]
}

/**
 * Puts what came late in its place among steps that may be under way: unstarted steps that acted before it wait for it
 * too, and it waits for what acted after it and has not settled. A wait that would close a circle, or move a step that
 * has begun, is left out: the order that stands is the one that was approved.
 */
export function addLateWaits(input: LateWaitsInput): { kept: PlanStep[]; added: Ungated[] } {
  const all = [...input.kept, ...input.added]
  const isNew = new Set(input.added.map(step => step.stepId))
  const begun = new Map(
    input.kept.filter(s => hasBegun(input.steps.get(s.stepId))).map(s => [s.stepId, s.tier]),
  )
  const floor = floorOf(input, begun)
  const waits = new Map(all.map(step => [step.stepId, new Set(step.waitsFor)]))

  // Someone waiting for a newcomer comes first: of two that contradict each other, what happened last is undone first.
  const wanted = candidates(input, all)
    .filter(([waiter, other]) => !begun.has(waiter) && !settled(input, other))
    .sort(
      (a, b) => Number(isNew.has(b[1])) - Number(isNew.has(a[1])) || byText(a[0], b[0]) || byText(a[1], b[1]),
    )
  for (const [waiter, other] of wanted) {
    const set = waits.get(waiter)!
    if (set.has(other) || reaches(waits, other, waiter)) continue
    set.add(other)
    const tiers = tiersOf(waits, floor)
    if ([...begun].some(([stepId, tier]) => tiers.get(stepId) !== tier)) set.delete(other)
  }
  const tiers = tiersOf(waits, floor)
  const place = <S extends Ungated>(step: S): S =>
    begun.has(step.stepId)
      ? step
      : { ...step, tier: tiers.get(step.stepId)!, waitsFor: [...waits.get(step.stepId)!].sort(byText) }
  return { kept: input.kept.map(place), added: input.added.map(place) }
}

/** Begun steps keep their tier; a newcomer stands no earlier than the begun step whose share it completes. */
function floorOf(input: LateWaitsInput, begun: ReadonlyMap<string, number>): (stepId: string) => number {
  const floors = new Map(begun)
  for (const step of input.added)
    for (const sibling of input.kept)
      if (sibling.system === step.system && begun.has(sibling.stepId))
        floors.set(step.stepId, Math.max(floors.get(step.stepId) ?? 0, sibling.tier))
  return stepId => floors.get(stepId) ?? 0
}

function settled(input: LateWaitsInput, stepId: string): boolean {
  const state = input.steps.get(stepId)
  return state !== undefined && isSettled(state.progress)
}

/** [waiter, what it should wait for], before it is known which of them are possible. */
function candidates(input: LateWaitsInput, all: readonly Ungated[]): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = []
  for (const step of input.added) {
    for (const sibling of input.kept) {
      const sameSystem = sibling.system === step.system
      if (sameSystem) pairs.push([sibling.stepId, step.stepId])
      if (!sameSystem && (step.tandem === null || sibling.tandem !== step.tandem)) continue
      for (const other of sibling.waitsFor) pairs.push([step.stepId, other])
      for (const other of all)
        if (other.waitsFor.includes(sibling.stepId)) pairs.push([other.stepId, step.stepId])
    }
  }
  const touched = new Set(input.late.map(action => action.system))
  const known = input.kept.flatMap(s => s.actions.map(a => [a.actionId, s.system] as const))
  const before = precedence(
    all.map(step => step.system),
    input.contracts,
    observedCauses(input.late, known),
  )
  for (const [later, earlier] of before)
    for (const system of earlier) {
      if (!touched.has(later) && !touched.has(system)) continue
      for (const waiter of all)
        for (const other of all)
          if (waiter.system === system && other.system === later) pairs.push([waiter.stepId, other.stepId])
    }
  return pairs
}

function reaches(waits: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const open = [from]
  const passed = new Set(open)
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === to) return true
    for (const next of waits.get(at) ?? []) {
      if (passed.has(next)) continue
      passed.add(next)
      open.push(next)
    }
  }
  return false
}
