import { type Plan, PlanMismatch, thawPlan } from '@unwind/contracts'

/** The plan of a request, for what it claims. Null: it is not what its hash says; the owner of its partition refuses it, and says so. */
export function planIn(
  request: Parameters<typeof thawPlan>[0] & Parameters<typeof thawPlan>[1],
): Plan | null {
  try {
    return thawPlan(request, request)
  } catch (error) {
    if (error instanceof PlanMismatch) return null
    throw error
  }
}
