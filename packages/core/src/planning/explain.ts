import type { LeftAction, Plan } from '@unwind/contracts'
import { selectionOf, selectionText } from './selection.js'

/** One line of `unwind plan`. */
export interface PlanRow {
  readonly tier: number
  readonly stepId: string
  readonly system: string
  /** "order.placed orders/1017", in the order in which they are undone. */
  readonly undoes: readonly string[]
  readonly waitsFor: readonly string[]
  readonly tandem: string | null
  /** "a person opens before:payments", "bakes for 5m", or null. */
  readonly gate: string | null
  /** From ready to settled, e.g. "1m". */
  readonly deadline: string
}

export interface SurfacedRow {
  readonly system: string
  readonly action: string
  readonly actionId: string
  readonly code: string
  readonly irreversible: boolean
  readonly message: string
}

export interface PlanExplanation {
  readonly rows: readonly PlanRow[]
  /** What the plan cannot undo. */
  readonly surfaced: readonly SurfacedRow[]
  /** "systems payments; resources orders/1017": only this part. Null: all that was recorded. */
  readonly part: string | null
  /** What the part leaves inconsistent, last to first. */
  readonly left: readonly LeftAction[]
  /** The blast radius. */
  readonly totals: {
    readonly systems: number
    readonly steps: number
    readonly tiers: number
    readonly actions: number
    readonly gates: number
    readonly irreversible: number
  }
}

/** A plan in rows for people: what is undone, in which order, what holds it, what cannot be undone. */
export function explainPlan(plan: Plan): PlanExplanation {
  const gates = new Map(plan.gates.map(gate => [gate.gateId, gate]))
  const rows = plan.steps.map(step => {
    const gate = step.gate === null ? undefined : gates.get(step.gate)
    return {
      tier: step.tier,
      stepId: step.stepId,
      system: step.system,
      undoes: step.actions.map(a => (a.resource === null ? a.action : `${a.action} ${a.resource}`)),
      waitsFor: step.waitsFor,
      tandem: step.tandem,
      gate: !gate
        ? null
        : gate.kind === 'human'
          ? `a person opens ${gate.gateId}`
          : `bakes for ${formatDuration(gate.bakeMs)}`,
      deadline: formatDuration(step.deadlineMs),
    }
  })
  const surfaced = plan.surfaced.map(({ system, action, actionId, code, message }) => {
    return { system, action, actionId, code, irreversible: code === 'irreversible', message }
  })
  return {
    rows,
    surfaced,
    part: selectionText(selectionOf(plan)),
    left: plan.left ?? [],
    totals: {
      systems: new Set(plan.steps.map(step => step.system)).size,
      steps: plan.steps.length,
      tiers: new Set(plan.steps.map(step => step.tier)).size,
      actions: plan.steps.reduce((sum, step) => sum + step.actions.length, 0),
      gates: plan.gates.length,
      irreversible: surfaced.filter(row => row.irreversible).length,
    },
  }
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** Milliseconds as contracts write them: "200ms", "5s", "10m", "90s"; exact, in the greatest unit that divides it. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of UNITS) if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  return `${ms}ms`
}
