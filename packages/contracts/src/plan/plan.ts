import { sha256Hex } from '#sha256'
import { canonicalJson, type Json } from './canonical-json.js'

/** One forward action that a step is to undo. */
export interface PlannedAction {
  readonly actionId: string
  readonly action: string
  readonly resource: string | null
  /** Identifiers that the undo needs, a JSON object as text, exactly as it was recorded. */
  readonly data: string
}

/** One system's share of a rollback. */
export interface PlanStep {
  /** Unique in the plan: the system's name; "name~2" and so on for supplements. */
  readonly stepId: string
  readonly system: string
  /** 0 runs first. Derived from `waitsFor`; for people and gates. */
  readonly tier: number
  /** Steps that must have settled before this one starts (I4). Sorted. */
  readonly waitsFor: readonly string[]
  /** Steps of one tandem group succeed or park together. */
  readonly tandem: string | null
  /** Gate that must be open before this step starts. */
  readonly gate: string | null
  readonly contractVersion: string
  readonly contractHash: string
  /** From ready to settled, milliseconds; after it the watcher escalates (I7). */
  readonly deadlineMs: number
  /** In the order in which they are undone: the reverse of the order in which they happened. */
  readonly actions: readonly PlannedAction[]
}

/** Stands before a tier until it opens. */
export interface PlanGate {
  readonly gateId: string
  readonly beforeTier: number
  /** "bake": opens by itself after `bakeMs`, measured from when the tiers before it settled. "human": a person opens it. */
  readonly kind: 'bake' | 'human'
  readonly bakeMs: number
}

/** What the plan cannot undo. It is said, and keeps the end state from being green. */
export interface SurfacedAction {
  readonly actionId: string
  readonly system: string
  readonly action: string
  readonly code: 'irreversible' | 'absent' | 'contract'
  readonly message: string
}

/** A recorded action outside the part that a partial rollback undoes, which builds on that part. It stays as it is. */
export interface LeftAction {
  readonly actionId: string
  readonly system: string
  readonly action: string
  readonly resource: string | null
  /** How it builds on what is undone, for people. */
  readonly because: string
}

/** The frozen, hashed list of steps. It travels with the request; every sidecar runs from it. */
export interface Plan {
  readonly format: 1
  readonly rollbackId: string
  readonly correlationId: string
  readonly revision: number
  /** Only these systems take part, sorted. Empty: every system that acted, and any that finds it did. */
  readonly scope: readonly string[]
  /** Narrows the scope to some actions; each list sorted, an empty one does not narrow. Absent: all that the scope did. */
  readonly selection?: { readonly actions: readonly string[]; readonly resources: readonly string[] }
  /** What a partial rollback leaves inconsistent, last to first. Absent: nothing. It keeps the end state from being green. */
  readonly left?: readonly LeftAction[]
  /** It rolls back a rollback: what was undone last is done again first. Absent: it does not. */
  readonly inverse?: true
  /** Wait for every system's fence before the first undo. */
  readonly barrier: boolean
  /** The plan knows every action recorded below this offset of the correlation ID's partition of the actions topic. */
  readonly basis: { readonly partition: number; readonly offset: string } | null
  readonly steps: readonly PlanStep[]
  readonly gates: readonly PlanGate[]
  readonly surfaced: readonly SurfacedAction[]
}

/** The frozen bytes of a plan, as text, and their hash. What is approved, signed and checked. */
export interface FrozenPlan {
  readonly plan: string
  readonly planHash: string
}

export function freezePlan(plan: Plan): FrozenPlan {
  const text = canonicalJson(plan as unknown as Json)
  return { plan: text, planHash: hashText(text) }
}

/** SHA-256 of the UTF-8 bytes, lower-case hex. */
export function hashText(text: string): string {
  // Whoever admits a request and whoever folds it ask for the hash of the same plan, one right after the other.
  if (text !== latest.text) latest = { text, hash: sha256Hex(text) }
  return latest.hash
}

let latest = { text: '', hash: sha256Hex('') }

export class PlanMismatch extends Error {
  override readonly name = 'PlanMismatch'
}

/**
 * Reads a frozen plan back.
 * @throws PlanMismatch when the hash is not that of the text, the text is not a plan, or it speaks of another rollback.
 */
export function thawPlan(frozen: FrozenPlan, expected: { rollbackId: string; correlationId: string }): Plan {
  const actual = hashText(frozen.plan)
  if (actual !== frozen.planHash)
    throw new PlanMismatch(
      `rollback ${expected.rollbackId}: the plan hashes to ${actual}, the event says ${frozen.planHash}`,
    )
  const plan = parsePlan(frozen.plan, expected.rollbackId)
  if (plan.rollbackId !== expected.rollbackId || plan.correlationId !== expected.correlationId)
    throw new PlanMismatch(
      `rollback ${expected.rollbackId} of ${expected.correlationId} carries the plan of ${plan.rollbackId} of ${plan.correlationId}`,
    )
  return plan
}

function parsePlan(text: string, rollbackId: string): Plan {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new PlanMismatch(`rollback ${rollbackId}: the plan is not JSON`)
  }
  const problem = planProblem(value)
  if (problem) throw new PlanMismatch(`rollback ${rollbackId}: ${problem}`)
  return value as Plan
}

/** A hand-written check instead of a schema library: it runs in every sidecar for every request. */
function planProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return 'the plan is not an object'
  const plan = value as Record<string, unknown>
  if (plan.format !== 1) return `the plan has format ${String(plan.format)}, this version reads format 1`
  if (
    !Array.isArray(plan.steps) ||
    !Array.isArray(plan.gates) ||
    !Array.isArray(plan.surfaced) ||
    !Array.isArray(plan.scope)
  )
    return 'the plan lacks steps, gates, surfaced or scope'
  const { selection, left } = plan as { selection?: Record<string, unknown>; left?: unknown }
  if (selection !== undefined && !(Array.isArray(selection?.actions) && Array.isArray(selection.resources)))
    return 'its selection lacks actions or resources'
  if (left !== undefined && !Array.isArray(left)) return 'what it leaves is not a list'
  const known = new Set<string>()
  for (const item of plan.steps as Record<string, unknown>[]) {
    if (typeof item?.stepId !== 'string' || typeof item.system !== 'string')
      return 'a step lacks stepId or system'
    if (known.has(item.stepId)) return `step ${item.stepId} occurs twice`
    known.add(item.stepId)
    if (!Array.isArray(item.waitsFor) || !Array.isArray(item.actions))
      return `step ${item.stepId} lacks waitsFor or actions`
    if (typeof item.deadlineMs !== 'number') return `step ${item.stepId} lacks deadlineMs`
  }
  return orderProblem(plan as unknown as Plan, known)
}

/** A plan whose steps wait for each other in a circle, or for a step that it lacks, would never end (I7). */
function orderProblem(plan: Plan, known: ReadonlySet<string>): string | null {
  const tiers = new Map(plan.steps.map(s => [s.stepId, s.tier]))
  const gates = new Set(plan.gates.map(g => g.gateId))
  for (const step of plan.steps) {
    for (const other of step.waitsFor) {
      if (!known.has(other)) return `step ${step.stepId} waits for ${other}, which the plan lacks`
      if (!(tiers.get(other)! < step.tier))
        return `step ${step.stepId} waits for ${other}, which is not in an earlier tier`
    }
    if (step.gate !== null && !gates.has(step.gate))
      return `step ${step.stepId} names gate ${step.gate}, which the plan lacks`
  }
  return null
}
