import type { EscalationRaised } from '@unwind/contracts'
import type { Coordination } from '../coordination/coordination.js'
import { whyGone } from './gone.js'

/** Alarms that somebody still has to take: nobody has, and their cause is there. */
export function openEscalations({
  escalations,
  rollback,
}: Pick<Coordination, 'escalations' | 'rollback'>): readonly EscalationRaised[] {
  return [...escalations.values()]
    .filter(({ raised, acknowledgedBy }) => acknowledgedBy === null && whyGone(raised, rollback) === null)
    .map(({ raised }) => raised)
}
