import { freezePlan, type Plan } from '@unwind/contracts'
import type { PlanOutcome, PlanRemark } from './input.js'

/** A plan travels inside one record beside approvals and headers; brokers take about 1 MB. */
export const MAX_PLAN_BYTES = 512 * 1024

/** Freezes a plan, or says why it does not fit into a record. */
export function frozen(plan: Plan, remarks: readonly PlanRemark[]): PlanOutcome {
  const text = freezePlan(plan)
  const bytes = utf8Bytes(text.plan)
  if (bytes <= MAX_PLAN_BYTES) return { kind: 'planned', plan, frozen: text, remarks }
  const counts = plan.steps.map(step => `${step.stepId} ${step.actions.length}`).join(', ')
  const actions = plan.steps.reduce((sum, step) => sum + step.actions.length, 0) + plan.surfaced.length
  return {
    kind: 'refused',
    code: 'contract',
    message:
      `rollback ${plan.rollbackId} of ${plan.correlationId}: the plan of ${actions} actions ` +
      `(${counts}) takes ${bytes} bytes, more than the ${MAX_PLAN_BYTES} that fit into one record`,
    hint: 'limit the scope to some of the systems and roll back in several parts, or record fewer and coarser actions',
  }
}

function utf8Bytes(text: string): number {
  // Three bytes per code unit is the most that UTF-8 takes: nearly every plan is decided here.
  if (text.length * 3 <= MAX_PLAN_BYTES) return text.length
  let bytes = 0
  for (const symbol of text) {
    const point = symbol.codePointAt(0)!
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}
